"""Drop-ins for other packages: their names, parameters and results over Tersely. Nothing of the core imports this."""
