"""What a run needs to know of its data: loaders, subsets, statistics and facts for the log."""

from __future__ import annotations

import fnmatch
import warnings
from typing import Any, Literal

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, SequentialSampler

from segtcn.data.augmentation import Augmentation, AugmentedDataset
from segtcn.data.batching import collate
from segtcn.data.card import note_other_rate, read_card
from segtcn.data.dataset import Sample, SegmentationDataset, TruthRules
from segtcn.data.readers import Reader
from segtcn.data.sampling import BucketSampler, CappedBatches, SharedBatches, SharedShuffle, Shuffle, WholeBatches
from segtcn.data.statistics import LabelStatistics, count_features, count_labels, draw_weights
from segtcn.labels.lengths import LengthPolicy
from segtcn.labels.video_lists import check_split

Role = Literal["train", "val", "test", "predict"]
"""What the videos of a subset are for."""


class SegmentationDataModule(LightningDataModule):
    """Training, validation and test videos of one split.

    Args:
        reader: the data set, a reader with its arguments.
        split: number of the split.
        batch_size: videos in a batch, at most.
        sample_rate: keep every k-th frame.
        standardize: offer mean and standard deviation of the training features (:meth:`feature_statistics`), with
            which the task standardises its input.
        validation: training videos to hold out for validation: their share (a seeded choice, at least one video) or
            their names, or patterns of names such as ``valid-*``. 0 holds out none. Test videos are never among them.
        length_policy: for features and labels of different length: ``error``, or ``trim`` both to the shorter.
        length_tolerance: largest difference, in stored frames, that ``trim`` accepts.
        cache_gib: memory for videos that were read, in GiB for each subset, whatever ``num_workers``; 0 reads them from
            disk in every epoch.
        num_workers: processes that read ahead. 0 is the fastest as long as the videos fit into the cache.
        seed: of the order of the training videos and of the choice of validation videos.
        card: path of the data set's card, a README.md with YAML front matter, logged with the run; None: no card.
        bucket: train on batches of videos of similar length, which have less padding and go through faster. Which
            videos meet in a batch then depends on their length, so that scores may differ from those without.
        max_frames_per_batch: limit of the frames of a batch, padding included, in training (which needs ``bucket``) and
            evaluation; a longer video is a batch of its own. None: no limit.
        augmentations: random changes of the training videos, in this order, see :mod:`segtcn.data.augmentation`.
        annotated: share of the annotated frames of each training video whose labels are used: random whole segments, by
            ``seed``; or ``timestamps``, one random frame of each segment. It answers how much annotation is enough;
            validation and test videos keep all labels.
        rare_classes: draw training videos with rare classes more often: with the mean over their frames of the rarity
            of the frame's class (one over its share of all frames), to this power. 0 draws each once an epoch; 1 draws
            classes about equally often.

    Raises:
        ValueError: if an argument is out of range or the split does not exist.
    """

    def __init__(
        self,
        reader: Reader,
        split: int = 1,
        batch_size: int = 8,
        sample_rate: int = 1,
        standardize: bool = False,
        validation: float | list[str] = 0.0,
        length_policy: LengthPolicy = "error",
        length_tolerance: int = 10,
        cache_gib: float = 4.0,
        num_workers: int = 0,
        seed: int = 0,
        card: str | None = None,
        bucket: bool = False,
        max_frames_per_batch: int | None = None,
        augmentations: list[Augmentation] | None = None,
        annotated: float | Literal["timestamps"] = 1.0,
        rare_classes: float = 0.0,
    ) -> None:
        super().__init__()
        check_split(split, reader.splits, "this data set")
        if not isinstance(validation, list) and not 0 <= validation < 1:
            raise ValueError(
                f"`validation` must be a share of the training videos from 0 to below 1, or a list of their names, "
                f"got {validation}"
            )
        if max_frames_per_batch is not None and not bucket:
            raise ValueError(
                "`max_frames_per_batch` needs `bucket: true`: of videos of any length in random order, a limited batch "
                "would hold another number in every epoch"
            )
        if rare_classes and (bucket or reader.target != "single"):
            raise ValueError(
                "`rare_classes` draws videos by their classes: it needs one label a frame, and does not go with "
                "`bucket`, which draws them by length"
            )
        if annotated != 1 and reader.target != "single":
            raise ValueError(
                f"`annotated` keeps a part of the segments of labels, but the targets of this data set are "
                f"{reader.target}: leave it out"
            )
        if augmentations and reader.target != "single":
            raise ValueError(
                f"`augmentations` change frames and labels, but the targets of this data set are {reader.target}, "
                "which would stay as they are: leave them out"
            )
        self.reader = reader
        self.split = split
        self.batch_size = batch_size
        self.sample_rate = sample_rate
        self.standardize = standardize
        self.validation = validation
        self.length_policy: LengthPolicy = length_policy
        self.length_tolerance = length_tolerance
        self.cache_gib = cache_gib
        self.num_workers = num_workers
        self.seed = seed
        self.card = card
        self.bucket = bucket
        self.max_frames_per_batch = max_frames_per_batch
        self.augmentations = augmentations or []
        self.annotated = annotated
        self.rare_classes = rare_classes
        self._datasets: dict[Role, SegmentationDataset] = {}
        self._statistics: tuple[Tensor, Tensor] | None = None
        self._label_statistics: LabelStatistics | None = None

    @property
    def num_classes(self) -> int:
        """Number of classes C."""
        return len(self.reader.class_names)

    @property
    def in_channels(self) -> int:
        """Feature width D."""
        return self.reader.feature_dim

    @property
    def class_names(self) -> list[str]:
        """Name of every class; the index is the class."""
        return list(self.reader.class_names)

    @property
    def fps(self) -> float:
        """Frames per second that the network sees: the stored features' over ``sample_rate``."""
        return self.reader.fps / self.sample_rate

    @property
    def facts(self) -> dict[str, Any]:
        """What a :class:`segtcn.segmenter.Segmenter` must know of the data, as its arguments."""
        return {
            "classes": self.reader.classes,
            "fps": self.reader.fps,
            "sample_rate": self.sample_rate,
            "extraction": self.reader.extraction,
            "target": self.reader.target,
        }

    @property
    def background(self) -> int | None:
        """Index of the background class, or None."""
        return self.reader.background

    @property
    def groups(self) -> str | None:
        """Expression of the person or recording in the name of a video, if the card says it."""
        return self._read_card().get("groups")

    def names(self, subset: Role) -> list[str]:
        """Names of the videos of a subset, in the order of the split's list.

        Raises:
            FileNotFoundError: if the split has no list of that subset.
            ValueError: if a list is wrong, a video is listed for training and test, or ``validation`` cannot be met.
        """
        if subset in ("test", "predict"):
            return self.reader.videos(self.split, "test")
        training = self.reader.videos(self.split, "train")
        test = self._test_names_if_listed()
        common = [name for name in training if name in set(test)]
        if common:
            raise ValueError(
                f"split {self.split} lists {common[0]!r} for training and for test ({len(common)} such videos): scores "
                "on training videos mean nothing; correct the lists"
            )
        validation = self._validation_names(training, test)
        return [name for name in training if (name in validation) == (subset == "val")]

    def dataset(self, subset: Role) -> SegmentationDataset:
        """The videos of a subset; for ``predict`` the test videos without their ground truth."""
        if subset not in self._datasets:
            self._datasets[subset] = SegmentationDataset(
                self.reader,
                self.names(subset),
                split=self.split,
                sample_rate=self.sample_rate,
                truth=TruthRules(
                    subset != "predict",
                    self.length_policy,
                    self.length_tolerance,
                    self.annotated if subset == "train" else 1.0,
                    self.seed,
                    moves=subset == "train",
                ),
                cache_gib=self.cache_gib,
            )
        return self._datasets[subset]

    def feature_statistics(self) -> tuple[Tensor, Tensor] | None:
        """Mean and standard deviation of the training features, over the frames that the network sees.

        Validation and test videos do not enter. A feature that never changes gets the deviation 1.

        Returns:
            Mean and standard deviation, ``(D,)`` float32 each; None unless ``standardize``.
        """
        if self.standardize and self._statistics is None:
            self._statistics = count_features(self.dataset("train"))
        return self._statistics

    def label_statistics(self) -> LabelStatistics:
        """Frames of each class and number of segments of the training videos, as the network sees them.

        Losses that weigh classes or boundaries ask for them. Validation and test videos do not enter.
        """
        if self._label_statistics is None:
            self._label_statistics = count_labels(self.dataset("train"))
        return self._label_statistics

    def card_values(self) -> dict[str, str | int | float | bool | None]:
        """Facts about the data for the log: measured ones as ``data/NAME``, those of the card as ``card/NAME``.

        A card that is not there does not stop a run: it is left out with a warning.

        Raises:
            ValueError: if the card has no readable front matter.
        """
        background = None if self.background is None else self.class_names[self.background]
        values: dict[str, str | int | float | bool | None] = {
            "data/reader": type(self.reader).__name__,
            "data/split": self.split,
            "data/num_splits": len(self.reader.splits),
            "data/videos_train": len(self.names("train")),
            "data/videos_val": len(self.names("val")),
            "data/videos_test": len(self._test_names_if_listed()),
            "data/num_classes": self.num_classes,
            "data/background": background,
            "data/feature_dim": self.in_channels,
            "data/stored_fps": self.reader.fps,
            "data/sample_rate": self.sample_rate,
            "data/fps": self.fps,
        }
        card = self._read_card().items()
        return values | {f"card/{name}": value for name, value in card if isinstance(value, str | int | float | bool)}

    def _read_card(self) -> dict[str, Any]:
        if self.card is None:
            return {}
        try:
            return read_card(self.card)
        except FileNotFoundError as error:
            warnings.warn(f"{error}; the run goes on without it (`card: null` says so)", stacklevel=2)
            return {}

    def setup(self, stage: str) -> None:
        """Read and check the videos that a stage needs, so that a bad one fails before the first step.

        Raises:
            FileNotFoundError: if a file is missing.
            ValueError: if a file or a video is wrong, or ``validate`` is asked for without validation videos.
        """
        # two of Lightning's hints are wrong here: reading ahead gains nothing once the videos are in memory, and having
        # no validation videos is a choice
        warnings.filterwarnings("ignore", message=".*does not have many workers")
        warnings.filterwarnings("ignore", message="Total length of `list` across ranks is zero")
        if stage == "validate" and not self.names("val"):
            raise ValueError("there are no validation videos: hold some out with `validation`, or run `test`")
        if stage == "fit":
            note_other_rate(self._read_card(), str(self.card), self.reader.fps)
        subsets: dict[str, list[Role]] = {"validate": ["val"], "test": ["test"], "predict": ["predict"]}
        for subset in subsets.get(stage, ["train", "val"]):
            self.dataset(subset).check()

    def train_dataloader(self) -> DataLoader[Sample]:
        """Batches of the training videos, in another order every epoch."""
        epoch, start = self._position()
        videos = AugmentedDataset(self.dataset("train"), self.augmentations, self.seed)
        num_processes, rank = self._processes()
        weights = draw_weights(self.dataset("train"), self.rare_classes) if self.rare_classes else None
        if not self.bucket and num_processes > 1:
            shares = SharedShuffle(videos.lengths(), self.batch_size, num_processes, rank, self.seed, weights)
            shares.set_epoch(epoch)
            shares.start = start
            return self._loader(WholeBatches(videos), batch_size=None, sampler=shares)
        if not self.bucket:
            order = Shuffle(len(videos), self.seed, epoch, start * self.batch_size, weights)
            return self._loader(videos, batch_size=self.batch_size, sampler=order)
        sampler = BucketSampler(
            videos.lengths(),
            self.batch_size,
            self.max_frames_per_batch,
            seed=self.seed,
            num_replicas=num_processes,
            rank=rank,
        )
        sampler.set_epoch(epoch)
        sampler.start = start
        return self._loader(WholeBatches(videos), batch_size=None, sampler=sampler)

    def _processes(self) -> tuple[int, int]:
        """How many processes work together, and which is this one."""
        return (1, 0) if self.trainer is None else (self.trainer.world_size, self.trainer.global_rank)

    def _position(self) -> tuple[int, int]:
        """The epoch that training begins or continues with, and how many of its batches are done."""
        if self.trainer is None:
            return 0, 0
        loop = self.trainer.fit_loop
        num_batches = loop.epoch_loop.batch_progress.current.ready if loop.restarting else 0
        return loop.epoch_progress.current.processed, num_batches  # type: ignore[attr-defined]

    def val_dataloader(self) -> DataLoader[Sample] | list[DataLoader[Sample]]:
        """Batches of the validation videos; an empty list if there are none."""
        return self._evaluation_loader("val") if self.names("val") else []

    def test_dataloader(self) -> DataLoader[Sample]:
        """Batches of the test videos, in the order of the split's list."""
        return self._evaluation_loader("test")

    def predict_dataloader(self) -> DataLoader[Sample]:
        """Batches of the test videos without labels, in the order of the split's list."""
        return self._evaluation_loader("predict")

    def _evaluation_loader(self, subset: Role) -> DataLoader[Sample]:
        videos, (num_processes, rank) = self.dataset(subset), self._processes()
        if self.max_frames_per_batch is None and num_processes == 1:
            return self._loader(videos, batch_size=self.batch_size)
        if self.max_frames_per_batch is None:
            batches = BatchSampler(SequentialSampler(videos), self.batch_size, drop_last=False)
        else:
            batches = CappedBatches(
                SequentialSampler(videos),
                self.batch_size,
                lengths=videos.lengths(),
                max_frames=self.max_frames_per_batch,
            )
        if num_processes > 1:
            shares = SharedBatches(batches, num_processes, rank)
            return self._loader(WholeBatches(AugmentedDataset(videos)), batch_size=None, sampler=shares)
        return self._loader(videos, batch_sampler=batches)

    def _loader(self, videos: Dataset[Any], **batches: Any) -> DataLoader[Any]:
        return DataLoader(
            videos,
            **batches,
            collate_fn=collate,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            # without one, every epoch would draw from the global generator and so change, for instance, dropout
            generator=torch.Generator().manual_seed(self.seed),
        )

    def _test_names_if_listed(self) -> list[str]:
        try:
            return self.reader.videos(self.split, "test")
        except FileNotFoundError:  # a data set without test videos can be trained on
            return []

    def _validation_names(self, training: list[str], test: list[str]) -> set[str]:
        if isinstance(self.validation, list):
            listed = [*training, *test]
            names = {name for pattern in self.validation for name in fnmatch.filter(listed, pattern) or [pattern]}
            if names & set(test):
                raise ValueError(
                    f"`validation` names test videos of split {self.split}: {', '.join(sorted(names & set(test)))}; "
                    "choose among its training videos, or the scores would be selected on the test videos"
                )
            unknown = names - set(training)
            if unknown:
                raise ValueError(
                    f"`validation` names videos that split {self.split} does not train on: {', '.join(sorted(unknown))}"
                )
        else:
            number = max(1, round(self.validation * len(training))) if self.validation > 0 else 0
            names = {training[i] for i in np.random.default_rng(self.seed).permutation(len(training))[:number]}
        if len(names) == len(training):
            raise ValueError(
                f"`validation` takes all {len(training)} training videos of split {self.split}: hold out fewer"
            )
        return names
