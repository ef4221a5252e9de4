"""PyInstaller runs this when a program imports pengbridge: the binary goes where the frozen package looks for it."""

import os
import shutil

from PyInstaller.config import CONF

from pengbridge import _binary

source = _binary.find()
if os.path.basename(source) != _binary.NAME:  # PENGBRIDGE_BINARY names one that is called otherwise
    renamed = os.path.join(CONF["workpath"], _binary.NAME)
    shutil.copy(source, renamed)
    source = renamed
binaries = [(source, "pengbridge/_bin")]
