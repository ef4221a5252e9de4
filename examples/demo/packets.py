"""What the tavern's server and its guests say to each other, in the order in which the Python programs register it."""

ENTER = "game:enter"  # to the server: {"name"}
GO = "game:go"  # to the server: {"room"}
SAY = "game:say"  # to the server: {"text"}
SEEN = "game:seen"  # to a room: {"name", "room"}, for somebody who came in
HEARD = "game:heard"  # to a room: {"name", "text"}
TICK = "game:tick"  # to all guests, ten times a second: {"number"}
MAP = "game:map"  # to all guests: {"tiles"}

ALL = (ENTER, GO, SAY, SEEN, HEARD, TICK, MAP)
