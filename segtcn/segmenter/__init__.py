"""Using a trained network: load a checkpoint, predict."""

from segtcn.segmenter.segmenter import Prediction, TrainedModel, load_model

__all__ = ["Prediction", "TrainedModel", "load_model"]
