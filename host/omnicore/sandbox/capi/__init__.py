"""The engine's C API: the only room that imports ctypes."""
