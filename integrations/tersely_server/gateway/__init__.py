"""The gateways' contract: a conversation in, the same conversation with long tool results made shorter.

Names are imported from the files: the settings are needed where no FastAPI is installed.
"""
