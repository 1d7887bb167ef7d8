"""The page at `/`: chats to look at and to speak in, as HTML that the server makes."""
