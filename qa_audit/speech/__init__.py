"""Speech recognition: the Transcriber protocol, its engines, and the models they load.

Nothing heavy is imported here or at the top of any module of this package: torch, whisper and numpy come
in when a model is first used.
"""
