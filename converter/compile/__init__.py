"""What a module will offer, and all graphs of it, lowered; nothing is traced here."""
