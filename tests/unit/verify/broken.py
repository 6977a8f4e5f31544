"""Kernels that are wrong, for the cases that must find them out."""

import math
from dataclasses import replace

from somite.sampling.kernels import SGLD
from somite.sampling.kernels.kernel import Point, Scene


class LoudNoise(SGLD):
    """Noise of variance 2ε for a drift of ε/2."""

    def step(self, here: Point, state: None, scene: Scene):
        loud = replace(scene, noise=lambda: math.sqrt(2) * scene.noise())
        return super().step(here, state, loud)
