"""What maintainers of a repository of modules run, by hand or by cron."""
