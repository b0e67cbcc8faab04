"""Folders of pictures, what is derived from them, and the batches of training.

`sources` finds and pairs the files, `cache` remembers what was checked and made,
`pipeline` turns them into batches, `augment` changes the colours of anime pictures.
"""
