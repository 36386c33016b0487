"""Reads xl configurations with libxlutil, which is what xl itself reads them with.

Standard input: one path to a line. Standard output: one JSON object to a line, of the keys given
as arguments; a list's items are in a list. Exits with 1 where libxlutil complains.
"""

import ctypes
import ctypes.util
import glob
import json
import sys

library = ctypes.CDLL(sorted(glob.glob("/usr/lib/*/libxlutil.so.4*"))[-1])
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
library.xlu_cfg_init.restype = ctypes.c_void_p
library.xlu_cfg_get_listitem.restype = ctypes.c_char_p
complaints = ctypes.c_void_p(libc.fdopen(2, b"w"))


def read(path):
    config = ctypes.c_void_p(library.xlu_cfg_init(complaints, path.encode()))
    with open(path, "rb") as file:
        text = file.read()
    if library.xlu_cfg_readdata(config, text, len(text)) != 0:
        sys.exit(1)
    values = {}
    for key in sys.argv[1:]:
        items, count = ctypes.c_void_p(), ctypes.c_int()
        text = ctypes.c_char_p()
        if library.xlu_cfg_get_list(
            config, key.encode(), ctypes.byref(items), ctypes.byref(count), 1
        ) == 0:
            values[key] = [
                library.xlu_cfg_get_listitem(items, at).decode() for at in range(count.value)
            ]
        elif library.xlu_cfg_get_string(config, key.encode(), ctypes.byref(text), 1) == 0:
            values[key] = text.value.decode()
    return values


for line in sys.stdin:
    print(json.dumps(read(line.rstrip("\n"))))
