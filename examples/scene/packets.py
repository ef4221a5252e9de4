"""What the scene's server and its players say to each other, and what both know of the world.

Positions are in tiles from the middle of the floor: x to the right, z to the viewer. A heading is in degrees: 0 looks at
the viewer, 90 to the right.
"""

JOIN = "scene:join"  # to the server: {"name", "colour"}
MOVE = "scene:move"  # to the server, 30 times a second: {"x", "z", "heading"}
DRONES = "scene:drones"  # to the server: {"rate"}; it answers with drones that send so many packets a second
WELCOME = "scene:welcome"  # to one who joined: {"colour"}, the wanted one or a free one
APPEARED = "scene:appeared"  # to a player: {"id", "name", "colour", "x", "z", "heading"}
MOVED = "scene:moved"  # to a player: {"id", "x", "z", "heading"}
LEFT = "scene:left"  # to a player: {"id"}

ALL = (JOIN, MOVE, DRONES, WELCOME, APPEARED, MOVED, LEFT)  # in the order in which both sides register them

MOVES_PER_SECOND = 30
HALF = 8.0  # tiles from the middle of the floor to its edge
REACH = HALF - 0.9  # tiles from the middle that a player can go, so that its cube stays on the floor

# Red, green and blue from 0 to 255. No two players have the same colour, so there are as many players as colours here.
COLOURS = {
    "red": (229, 72, 77),
    "blue": (62, 120, 220),
    "green": (48, 164, 108),
    "yellow": (240, 185, 40),
    "violet": (142, 78, 198),
    "orange": (240, 120, 40),
    "teal": (18, 165, 170),
    "pink": (232, 90, 165),
}
DRONE_COLOUR = "grey"
DRONE_RGB = (139, 148, 158)
