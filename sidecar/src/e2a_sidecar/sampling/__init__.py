"""A recording of somebody's speech: looked into, measured, cleaned; what becomes of it is a clone's sample. `sample` knows the order.

source    a stranger's file -> blocks of sound, by PyAV, bounded
scan      the whole recording -> its peaks, and the stretches that are worth a look
stretch   one of them as mono sound
measure   its level, noise, clipping, bandwidth, where somebody speaks
nature    speech, music or noise?
clean     a stretch -> the sample
examine   a stretch -> what it is good for
"""
