"""Losses: pure functions, and the modules that training uses."""

from segtcn.losses.functional import boundary_bce as boundary_bce
from segtcn.losses.functional import boundary_targets as boundary_targets
from segtcn.losses.functional import class_weights as class_weights
from segtcn.losses.functional import cross_entropy as cross_entropy
from segtcn.losses.functional import focal as focal
from segtcn.losses.functional import gaussian_similarity as gaussian_similarity
from segtcn.losses.functional import mean_squared_error as mean_squared_error
from segtcn.losses.functional import multi_label_bce as multi_label_bce
from segtcn.losses.functional import track_cross_entropy as track_cross_entropy
from segtcn.losses.functional import truncated_mse as truncated_mse
from segtcn.losses.mixup import mix_videos as mix_videos
from segtcn.losses.modules import BoundaryBCE as BoundaryBCE
from segtcn.losses.modules import CrossEntropy as CrossEntropy
from segtcn.losses.modules import Focal as Focal
from segtcn.losses.modules import GaussianSimilarityTMSE as GaussianSimilarityTMSE
from segtcn.losses.modules import LastStage as LastStage
from segtcn.losses.modules import Loss as Loss
from segtcn.losses.modules import LossSum as LossSum
from segtcn.losses.modules import TruncatedMSE as TruncatedMSE
from segtcn.losses.target_losses import DEFAULTS as DEFAULTS
from segtcn.losses.target_losses import MeanSquaredError as MeanSquaredError
from segtcn.losses.target_losses import MultiLabelBCE as MultiLabelBCE
from segtcn.losses.target_losses import TrackCrossEntropy as TrackCrossEntropy
from segtcn.losses.timestamps import Timestamps as Timestamps
from segtcn.losses.timestamps import confidence_loss as confidence_loss
from segtcn.losses.timestamps import labels_between_stamps as labels_between_stamps
