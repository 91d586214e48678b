from .evaluation import evaluate as evaluate
from .labels import Classes as Classes
from .labels import Labels as Labels
from .labels import read_labels as read_labels
from .labels import write_labels as write_labels
from .segmenter import Segmenter as Segmenter
from .segmenter import load as load
from .training import fit as fit
from .visualization import overlay_video as overlay_video
from .visualization import plot_timeline as plot_timeline

__version__: str
