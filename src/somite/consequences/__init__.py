"""What follows from how weights lie: compressibility, robustness, lesions of whole modules."""

from somite.consequences.behaviors import (
    Text,
    behavior_losses,
    ngram_kinds,
    repeated_kind,
    token_losses_without,
)
from somite.consequences.critical import critical_level, critical_levels
from somite.consequences.damage import damage
from somite.consequences.distortions import (
    DISTORTIONS,
    Distortion,
    low_rank,
    noisy,
    pruned,
    quantized,
)
from somite.consequences.heads import head_pruning, random_removal
from somite.consequences.lesions import kept_evaluations, module_lesion, random_sets
from somite.consequences.relation import Relation, related, relation
from somite.consequences.text import corruption_damage, reversal_damage
from somite.consequences.transfer import against_sets, fine_tuned, transfer_scores

__all__ = [
    "DISTORTIONS",
    "Distortion",
    "Relation",
    "Text",
    "against_sets",
    "behavior_losses",
    "corruption_damage",
    "critical_level",
    "critical_levels",
    "damage",
    "fine_tuned",
    "head_pruning",
    "kept_evaluations",
    "low_rank",
    "module_lesion",
    "ngram_kinds",
    "noisy",
    "pruned",
    "quantized",
    "random_removal",
    "random_sets",
    "related",
    "relation",
    "repeated_kind",
    "reversal_damage",
    "token_losses_without",
    "transfer_scores",
]
