"""Examples for those who maintain a tree of modules: to run by hand or by cron, and to adapt."""
