"""What heads do: attention scores, n-gram scores, ablation, composition; needs the model."""

from somite.behavior.ablation import ablation, mean_ablation_changes, resample_ablation_changes
from somite.behavior.attention_scores import SCORES, attention_scores, chance_level
from somite.behavior.attention_text import attention_examples
from somite.behavior.composition import composition
from somite.behavior.losses import in_context_score, token_losses
from somite.behavior.ngram_reliance import ngram_reliance
from somite.behavior.ngram_scores import NgramProbabilities, ngram_scores
from somite.behavior.repeated_rows import repeated_rows

__all__ = [
    "SCORES",
    "NgramProbabilities",
    "ablation",
    "attention_examples",
    "attention_scores",
    "chance_level",
    "composition",
    "in_context_score",
    "mean_ablation_changes",
    "ngram_reliance",
    "ngram_scores",
    "repeated_rows",
    "resample_ablation_changes",
    "token_losses",
]
