"""One chat: what is said in it, and the web socket that says it."""
