"""The scene's shapes in OpenGL: floor, cubes, shadows and trails. What does not change is compiled once, as display lists.

All of it is for the window's thread, with its context current and, but for the sky, peng3d's 3D mode set.
"""

import math
from contextlib import contextmanager
from itertools import pairwise

import pyglet
from packets import COLOURS, DRONE_COLOUR, DRONE_RGB, HALF
from pyglet import gl

SIDE = 1.5  # of a player's cube, in tiles
_DRONE_SIDE = 0.34
_SLAB = 0.7  # tiles; how thick the floor is
_TILES = ((236, 240, 245), (222, 229, 237))
_LINE = (198, 208, 219)
_EDGE = (150, 164, 180)
_SKY = ((126, 176, 226), (232, 241, 250))  # above, below

# The faces of a cube around (0, 0, 0) with half a side of 1: where each looks, and its corners.
_FACES = (
    ((0, 1, 0), ((-1, 1, -1), (-1, 1, 1), (1, 1, 1), (1, 1, -1))),
    ((0, 0, 1), ((-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1))),
    ((0, 0, -1), ((1, -1, -1), (-1, -1, -1), (-1, 1, -1), (1, 1, -1))),
    ((1, 0, 0), ((1, -1, 1), (1, -1, -1), (1, 1, -1), (1, 1, 1))),
    ((-1, 0, 0), ((-1, -1, -1), (-1, -1, 1), (-1, 1, 1), (-1, 1, -1))),
)  # nobody sees the bottom

# The sun stands above, to the right and towards the viewer: (0.48, 0.8, 0.36), of length 1. What looks up gets
# 0.56 + 0.55 * 0.8 = 1 of its colour, so the top of a cube has the pure colour.
_SUN = (0.48, 0.8, 0.36, 0.0)
_AMBIENT = 0.56
_DIFFUSE = 0.55


class Shapes:
    """The compiled shapes. They live as long as the window's context."""

    def __init__(self):
        self._floor = _compiled(_draw_floor)
        self._shadow = _compiled(_draw_shadow)
        colours = {**COLOURS, DRONE_COLOUR: DRONE_RGB}
        self._cubes = {name: _compiled(_draw_cube, rgb, name != DRONE_COLOUR) for name, rgb in colours.items()}

    def floor(self):
        """Draws the floor."""
        gl.glCallList(self._floor)

    def sun(self):
        """Lights the cubes that are drawn from now on."""
        gl.glLightfv(gl.GL_LIGHT0, gl.GL_POSITION, (gl.GLfloat * 4)(*_SUN))
        gl.glLightfv(gl.GL_LIGHT0, gl.GL_AMBIENT, (gl.GLfloat * 4)(*[_AMBIENT] * 3, 1.0))
        gl.glLightfv(gl.GL_LIGHT0, gl.GL_DIFFUSE, (gl.GLfloat * 4)(*[_DIFFUSE] * 3, 1.0))
        gl.glLightModelfv(gl.GL_LIGHT_MODEL_AMBIENT, (gl.GLfloat * 4)(0.0, 0.0, 0.0, 1.0))
        gl.glColorMaterial(gl.GL_FRONT_AND_BACK, gl.GL_AMBIENT_AND_DIFFUSE)
        for state in (gl.GL_LIGHT0, gl.GL_COLOR_MATERIAL, gl.GL_NORMALIZE):
            gl.glEnable(state)

    def marks(self, avatars):
        """Draws what lies on the floor: where players have been, and everybody's shadow."""
        gl.glDepthMask(gl.GL_FALSE)  # they are in one plane: whatever comes later is above
        for avatar in avatars:
            if avatar.name:
                _draw_trail(avatar)
        for avatar in avatars:
            with _moved(avatar.x, 0.02, avatar.z):
                gl.glScalef(_side(avatar), 1.0, _side(avatar))
                gl.glCallList(self._shadow)
        gl.glDepthMask(gl.GL_TRUE)

    def cube(self, avatar):
        """Draws a cube where it is shown: players stand, drones fly."""
        half = _side(avatar) / 2
        with _moved(avatar.x, half + 0.03 if avatar.name else 1.0, avatar.z):
            gl.glRotatef(avatar.heading, 0.0, 1.0, 0.0)
            gl.glScalef(half, half, half)
            gl.glCallList(self._cubes[avatar.colour])


def sky(width, height):
    """Draws the sky over the whole window, in peng3d's 2D mode."""
    above, below = _SKY
    pyglet.graphics.draw(4, gl.GL_QUADS, ("v2f", (0, 0, width, 0, width, height, 0, height)), ("c3B", below * 2 + above * 2))


def panel(x, y, width, height, rgba):
    """Draws a rectangle, in peng3d's 2D mode."""
    corners = (x, y, x + width, y, x + width, y + height, x, y + height)
    pyglet.graphics.draw(4, gl.GL_QUADS, ("v2f", corners), ("c4B", rgba * 4))


def _compiled(draw, *args):
    """Returns the display list of what draw(*args) draws."""
    number = gl.glGenLists(1)
    gl.glNewList(number, gl.GL_COMPILE)
    draw(*args)
    gl.glEndList()
    return number


@contextmanager
def _drawing(primitive):
    gl.glBegin(primitive)
    yield
    gl.glEnd()


@contextmanager
def _moved(x, y, z):
    gl.glPushMatrix()
    gl.glTranslatef(x, y, z)
    yield
    gl.glPopMatrix()


def _side(avatar):
    return SIDE if avatar.name else _DRONE_SIDE


def _draw_trail(avatar):
    """Draws where a cube has been, fading."""
    points = list(avatar.trail)
    corners, colours = [], []
    for number, ((x, z), (next_x, next_z)) in enumerate(pairwise(points)):
        length = math.hypot(next_x - x, next_z - z)
        if length < 1e-4:
            continue
        age = (number + 1) / len(points)
        across_x, across_z = (next_z - z) / length * 0.4 * age, (x - next_x) / length * 0.4 * age
        corners += (x + across_x, 0.015, z + across_z, x - across_x, 0.015, z - across_z)
        colours += (*COLOURS[avatar.colour], int(200 * age)) * 2
    if corners:
        pyglet.graphics.draw(len(corners) // 3, gl.GL_TRIANGLE_STRIP, ("v3f", corners), ("c4B", colours))


def _draw_floor():
    half = int(HALF)
    with _drawing(gl.GL_QUADS):
        for x in range(-half, half):
            for z in range(-half, half):
                gl.glColor3ub(*_TILES[(x + z) % 2])
                for corner_x, corner_z in ((x, z), (x, z + 1), (x + 1, z + 1), (x + 1, z)):
                    gl.glVertex3f(corner_x, 0.0, corner_z)
        _draw_box_sides(HALF, _SLAB)
    gl.glColor3ub(*_LINE)
    with _drawing(gl.GL_LINES):
        for line in range(-half, half + 1):
            for x, z in ((line, -HALF), (line, HALF), (-HALF, line), (HALF, line)):
                gl.glVertex3f(x, 0.005, z)


def _draw_box_sides(half, depth):
    """The visible edge of the floor."""
    corners = ((-half, half), (half, half), (half, -half), (-half, -half))
    for (x, z), (next_x, next_z), light in zip(corners, corners[1:] + corners[:1], (1.0, 0.8, 0.6, 0.8), strict=True):
        for corner_x, y, corner_z, fade in (
            (x, 0.0, z, 1.0),
            (x, -depth, z, 0.72),
            (next_x, -depth, next_z, 0.72),
            (next_x, 0.0, next_z, 1.0),
        ):
            gl.glColor3ub(*_shaded(_EDGE, light * fade))
            gl.glVertex3f(corner_x, y, corner_z)


def _draw_shadow():
    """A soft dark disc for a side of 1."""
    for inner, outer, dark, light in ((0.0, 0.45, 120, 105), (0.45, 1.0, 105, 0)):
        with _drawing(gl.GL_TRIANGLE_STRIP):
            for step in range(33):
                angle = math.tau * step / 32
                for radius, alpha in ((inner, dark), (outer, light)):
                    gl.glColor4ub(30, 40, 60, alpha)
                    gl.glVertex3f(radius * math.cos(angle), 0.0, radius * math.sin(angle))


def _draw_cube(rgb, has_face):
    gl.glEnable(gl.GL_LIGHTING)
    gl.glColor3ub(*rgb)
    with _drawing(gl.GL_QUADS):
        for normal, corners in _FACES:
            gl.glNormal3f(*normal)
            for corner in corners:
                gl.glVertex3f(*corner)
    gl.glDisable(gl.GL_LIGHTING)
    if has_face:
        _draw_face()
    gl.glLineWidth(1.5)
    gl.glColor4ub(*_shaded(rgb, 0.45), 150)
    for _, corners in _FACES:
        with _drawing(gl.GL_LINE_LOOP):
            for x, y, z in corners:
                gl.glVertex3f(x * 1.004, y * 1.004, z * 1.004)
    gl.glLineWidth(1.0)


def _draw_face():
    """Two eyes on the side that looks ahead."""
    with _drawing(gl.GL_QUADS):
        for middle_x in (-0.42, 0.42):
            for half_width, half_height, middle_y, z, rgb in (
                (0.24, 0.32, 0.2, 1.01, (255, 255, 255)),
                (0.12, 0.18, 0.14, 1.02, (32, 38, 50)),
            ):
                gl.glColor3ub(*rgb)
                for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                    gl.glVertex3f(middle_x + dx * half_width, middle_y + dy * half_height, z)


def _shaded(rgb, light):
    return tuple(int(part * light) for part in rgb)
