"""Data for the lectures: text, memory tasks, digits, and real sets by the reader's choice.

Whatever is random takes its generator explicitly; whatever is real is checked against its SHA-256.
"""

from rnncore.data.dates import DATE_FORMS, dates, write_date
from rnncore.data.digits import DigitRows, image_rows, load_digits_rows
from rnncore.data.files import data_path, download
from rnncore.data.idx import load_mnist, read_idx
from rnncore.data.pairs import load_pairs
from rnncore.data.record import Recorded, recorded
from rnncore.data.scenes import (
    CAPTION_WORDS,
    SCENE_ATTRIBUTES,
    Caption,
    Scenes,
    Thing,
    draw_scene,
    read_caption,
    scenes,
    write_caption,
)
from rnncore.data.speech import PHONES, PRONUNCIATIONS, VOICES, Phone, Spoken, Voice, speak
from rnncore.data.spoken import Recording, load_spoken_digits
from rnncore.data.tasks import (
    adding_problem,
    copy_memory,
    delayed_recall,
    parity,
    temporal_order,
    two_lag,
    two_lag_entropy,
)
from rnncore.data.text import Vocabulary, alphabet_toy, load_text, one_hot, stream_batches

__all__ = [
    "CAPTION_WORDS",
    "DATE_FORMS",
    "PHONES",
    "PRONUNCIATIONS",
    "SCENE_ATTRIBUTES",
    "VOICES",
    "Caption",
    "DigitRows",
    "Phone",
    "Recorded",
    "Recording",
    "Scenes",
    "Spoken",
    "Thing",
    "Vocabulary",
    "Voice",
    "adding_problem",
    "alphabet_toy",
    "copy_memory",
    "data_path",
    "dates",
    "delayed_recall",
    "download",
    "draw_scene",
    "image_rows",
    "load_digits_rows",
    "load_mnist",
    "load_pairs",
    "load_spoken_digits",
    "load_text",
    "one_hot",
    "parity",
    "read_caption",
    "read_idx",
    "recorded",
    "scenes",
    "speak",
    "stream_batches",
    "temporal_order",
    "two_lag",
    "two_lag_entropy",
    "write_caption",
    "write_date",
]
