"""Other versions of ComfyUI than the image's: prepared beside the one that runs, tried, switched to, and taken back.

`chosen` keeps on the volume which one is wanted, `folders` where one is and its archive, `resolve` finds tags,
`prepare` makes one, `trial` starts it on a spare port, `compare` judges that start, `switch` replaces the one that
runs, `launch` is what every start of ComfyUI asks.
"""
