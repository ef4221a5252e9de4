"""The scene's window: a peng3d window with a menu of three layers, the sky, the world and what is written over it."""

import peng3d
import pyglet
import shapes
from packets import COLOURS
from peng3d.window import PengWindow
from pyglet import gl

SIZE = (960, 600)  # pixels
_SAMPLES = 4  # a pixel, for smooth edges
_CAMERA = ((0.0, 12.0, 16.4), (0.0, -37.0))  # place; yaw and pitch in degrees
_FIELD_OF_VIEW = 43.0  # degrees from bottom to top
_INK = (22, 30, 44)
_WHITE = (255, 255, 255, 255)
_FONT = ("DejaVu Sans", "Segoe UI", "Helvetica Neue", "Arial")


class SceneWindow(PengWindow):
    """The window. Others make it with open_window."""

    screenshot = None

    def on_draw(self):
        super().on_draw()
        if self.screenshot is not None:
            path, self.screenshot = self.screenshot, None
            _save(path)

    def screenshot_next(self, path):
        """Saves the next frame as a PNG."""
        self.screenshot = path


class Sky(peng3d.Layer2D):
    """The background."""

    def draw(self):
        gl.glDisable(gl.GL_DEPTH_TEST)
        shapes.sky(self.window.width, self.window.height)


class Ground(peng3d.Layer3D):
    """The floor and everybody on it.

    Attributes:
        names: what Writing puts over the cubes, found while they are drawn: (avatar, x, y) in pixels.
    """

    def __init__(self, menu, window, peng, camera, crowd):
        super().__init__(menu, window, peng, camera)
        self._crowd = crowd
        self._shapes = shapes.Shapes()
        self.names = []

    def draw(self):
        gl.glEnable(gl.GL_DEPTH_TEST)
        gl.glEnable(gl.GL_BLEND)
        gl.glBlendFunc(gl.GL_SRC_ALPHA, gl.GL_ONE_MINUS_SRC_ALPHA)
        self._shapes.floor()
        self._shapes.sun()
        avatars = list(self._crowd)
        self._shapes.marks(avatars)
        for avatar in avatars:
            self._shapes.cube(avatar)
        self.names = [(avatar, *_on_screen(avatar)) for avatar in avatars if avatar.name]


class Writing(peng3d.Layer2D):
    """Names over the cubes, and a panel of lines.

    Attributes:
        lines: the panel's lines; the first one is its title.
    """

    def __init__(self, menu, window, peng, ground):
        super().__init__(menu, window, peng)
        self._ground = ground
        self._labels = {}
        self._panel = pyglet.text.Label(
            font_name=_FONT, font_size=10.5, color=_WHITE, anchor_y="top", multiline=True, width=300
        )
        self.lines = ()

    def draw(self):
        gl.glDisable(gl.GL_DEPTH_TEST)
        gl.glEnable(gl.GL_BLEND)
        gl.glBlendFunc(gl.GL_SRC_ALPHA, gl.GL_ONE_MINUS_SRC_ALPHA)
        for avatar, x, y in self._ground.names:
            self._name(avatar, x, y)
        if self.lines:
            self._draw_panel()

    def _name(self, avatar, x, y):
        label = self._labels.get(avatar.name)
        if label is None:
            label = self._labels[avatar.name] = pyglet.text.Label(
                avatar.name, _FONT, 11, bold=True, color=_WHITE, anchor_x="center", anchor_y="center"
            )
        width = label.content_width + 18
        left = round(x - width / 2)
        shapes.panel(left, round(y) - 11, width, 22, (*_INK, 190))
        shapes.panel(left, round(y) - 14, width, 3, (*COLOURS[avatar.colour], 255))
        label.x, label.y = round(x), round(y) + 1
        label.draw()

    def _draw_panel(self):
        text = "\n".join(self.lines)
        if self._panel.text != text:
            self._panel.text = text
        height = self._panel.content_height + 22
        top = self.window.height - 16
        shapes.panel(16, top - height, 250, height, (*_INK, 205))
        shapes.panel(16, top - height, 4, height, (139, 148, 158, 255))
        self._panel.x, self._panel.y = 34, top - 11
        self._panel.draw()


def open_window(peng, caption, crowd, smooth):
    """Opens the window, and returns it with its Writing layer.

    Args:
        peng: the Peng that gets it.
        caption: its title.
        crowd: who is drawn.
        smooth: whether edges are smooth, where the display can do that.
    """
    peng.cfg["graphics.fieldofview"] = _FIELD_OF_VIEW
    width, height = SIZE
    window = peng.createWindow(
        cls=SceneWindow, caption=caption, width=width, height=height, config=_config(smooth), vsync=False
    )
    window.setup()
    menu = peng3d.Menu("scene", window, peng)
    place, direction = _CAMERA
    camera = peng3d.Camera(peng3d.World(peng), "overview", list(place), list(direction))
    ground = Ground(menu, window, peng, camera, crowd)
    writing = Writing(menu, window, peng, ground)
    for layer in (Sky(menu, window, peng), ground, writing):
        menu.addLayer(layer)
    window.addMenu(menu)
    window.changeMenu("scene")
    return window, writing


def _config(smooth):
    plain = gl.Config(depth_size=24, double_buffer=True)
    if not smooth:
        return plain
    wanted = gl.Config(depth_size=24, double_buffer=True, sample_buffers=1, samples=_SAMPLES)
    screen = pyglet.canvas.get_display().get_default_screen()
    return wanted if screen.get_matching_configs(wanted) else plain


def _on_screen(avatar):
    """Where in the window a cube's name belongs; in Ground's draw, where the matrices are those of the world."""
    model, projection, view = (gl.GLdouble * 16)(), (gl.GLdouble * 16)(), (gl.GLint * 4)()
    gl.glGetDoublev(gl.GL_MODELVIEW_MATRIX, model)
    gl.glGetDoublev(gl.GL_PROJECTION_MATRIX, projection)
    gl.glGetIntegerv(gl.GL_VIEWPORT, view)
    x, y, depth = gl.GLdouble(), gl.GLdouble(), gl.GLdouble()
    gl.gluProject(avatar.x, shapes.SIDE + 1.0, avatar.z, model, projection, view, x, y, depth)
    return x.value, y.value


def _save(path):
    """Saves what was drawn, without its transparency, which means nothing in a file."""
    drawn = pyglet.image.get_buffer_manager().get_color_buffer().get_image_data()
    width, height = drawn.width, drawn.height
    pixels = bytearray(drawn.get_data("RGBA", width * 4))
    pixels[3::4] = b"\xff" * (width * height)
    pyglet.image.ImageData(width, height, "RGBA", bytes(pixels)).save(path)
