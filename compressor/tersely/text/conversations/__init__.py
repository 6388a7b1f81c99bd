"""What people wrote to each other: mails, chats and subtitles."""

from tersely.text.conversations.mail import find as find_mails
from tersely.text.conversations.messages import find as find_messages
from tersely.text.conversations.subtitles import find as find_subtitles

__all__ = [
    "find_mails",
    "find_messages",
    "find_subtitles",
]
