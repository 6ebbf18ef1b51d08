"""Plans what a converted module offers, and lowers all of its graphs; nothing is traced here."""
