"""From samples to intervals: exact, bootstrap, paired, clustered, sequential, power.

Pure: no I/O, no clock, no global randomness. May import only ``errors``, ``quantity``, the standard
library and NumPy (inside functions, so that the exact procedures load without it).
"""

from launchworthy.stats.adaptive_window import AdaptiveWindow, Shift
from launchworthy.stats.agreement import (
    SCALES,
    agreed_items,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    pairwise_agreement,
)
from launchworthy.stats.arm_intervals import UserCounts, joined_difference
from launchworthy.stats.arms import (
    VARIABLES,
    ArmSums,
    Posterior,
    arm_difference,
    posterior_difference,
    stratified_difference,
)
from launchworthy.stats.burn import Burn, BurnWindow, budget_used, burn_rates
from launchworthy.stats.correction import (
    FEWEST_LABELS,
    corrected_difference,
    corrected_mean,
    prediction_powered,
    rogan_gladen,
)
from launchworthy.stats.correlation import rank_correlation
from launchworthy.stats.decision import MAX_UNSCORED_SHARE, bound_status, non_inferiority
from launchworthy.stats.detection import Alarm, PromiseDetector
from launchworthy.stats.divergence import (
    FEWEST_BLOCKS,
    TOLERATED,
    TOLERATED_AUC,
    Divergence,
    divergences,
    rows_to_tell,
    share_change,
    share_p_value,
    surprise_beyond,
)
from launchworthy.stats.fisher import fisher_p_value
from launchworthy.stats.flagging import FlaggingThreshold, flagging_threshold
from launchworthy.stats.folded import folded_interval
from launchworthy.stats.group_sequential import (
    SPENDING,
    LookBounds,
    crossing_chances,
    drift_for,
    look_bounds,
    look_interval,
    spent_error,
)
from launchworthy.stats.influence import influence_interval, jackknife_interval, paired_quantiles
from launchworthy.stats.interval import Interval
from launchworthy.stats.isotonic import Calibration, isotonic
from launchworthy.stats.labelled_apart import labelled_apart
from launchworthy.stats.margin import error_at_margin, harm_level
from launchworthy.stats.means import bounded_mean, chernoff_bounds, mean_interval, t_interval
from launchworthy.stats.multiplicity import (
    benjamini_hochberg,
    benjamini_yekutieli,
    e_benjamini_hochberg,
    e_value,
    holm,
)
from launchworthy.stats.off_policy import effective_rows, policy_value, policy_values
from launchworthy.stats.pace import FEWEST_DAYS, Ahead, Pace, spending_pace
from launchworthy.stats.paired import clustered_shares, mcnemar, paired_means, paired_shares
from launchworthy.stats.paired_planning import mean_power, mean_size, paired_power, paired_size
from launchworthy.stats.planning import Needed, items_to_prove, power, sample_size
from launchworthy.stats.proportion import clopper_pearson, weighted_share, wilson
from launchworthy.stats.quantiles import quantile_interval, quantile_ranks
from launchworthy.stats.ratio import ratio_interval
from launchworthy.stats.repeated import Repeats, pass_at_k, pass_every_k, repeated_samples
from launchworthy.stats.rolling import rolling_bound
from launchworthy.stats.sample_ratio import MISMATCH, SampleRatio, sample_ratio
from launchworthy.stats.selective import (
    RiskCoverage,
    Threshold,
    certified_threshold,
    expected_threshold,
    risk_coverage,
)
from launchworthy.stats.sequential import (
    FEWEST_EVENTS,
    FEWEST_WATCHED,
    asymptotic_sequence,
    confidence_sequence,
    discordant_e_value,
    equal_arm_users,
    share_evidence,
    share_sequence,
    watched_shares,
)
from launchworthy.stats.special import (
    beta_cdf,
    beta_quantile,
    chi_square_tail,
    normal_cdf,
    normal_quantile,
    t_quantile,
)
from launchworthy.stats.sums import sums_influences, sums_interval, table_interval
from launchworthy.stats.survival import log_rank, mean_time_difference, mean_time_interval
from launchworthy.stats.units import apart
from launchworthy.stats.watch import PairedWatch

__all__ = [
    "FEWEST_BLOCKS",
    "FEWEST_DAYS",
    "FEWEST_EVENTS",
    "FEWEST_LABELS",
    "FEWEST_WATCHED",
    "MAX_UNSCORED_SHARE",
    "MISMATCH",
    "SCALES",
    "SPENDING",
    "TOLERATED",
    "TOLERATED_AUC",
    "VARIABLES",
    "AdaptiveWindow",
    "Ahead",
    "Alarm",
    "ArmSums",
    "Burn",
    "BurnWindow",
    "Calibration",
    "Divergence",
    "FlaggingThreshold",
    "Interval",
    "LookBounds",
    "Needed",
    "Pace",
    "PairedWatch",
    "Posterior",
    "PromiseDetector",
    "Repeats",
    "RiskCoverage",
    "SampleRatio",
    "Shift",
    "Threshold",
    "UserCounts",
    "agreed_items",
    "apart",
    "arm_difference",
    "asymptotic_sequence",
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "beta_cdf",
    "beta_quantile",
    "bound_status",
    "bounded_mean",
    "budget_used",
    "burn_rates",
    "certified_threshold",
    "chernoff_bounds",
    "chi_square_tail",
    "clopper_pearson",
    "clustered_shares",
    "cohen_kappa",
    "confidence_sequence",
    "corrected_difference",
    "corrected_mean",
    "crossing_chances",
    "discordant_e_value",
    "divergences",
    "drift_for",
    "e_benjamini_hochberg",
    "e_value",
    "effective_rows",
    "equal_arm_users",
    "error_at_margin",
    "expected_threshold",
    "fisher_p_value",
    "flagging_threshold",
    "fleiss_kappa",
    "folded_interval",
    "harm_level",
    "holm",
    "influence_interval",
    "isotonic",
    "items_to_prove",
    "jackknife_interval",
    "joined_difference",
    "krippendorff_alpha",
    "labelled_apart",
    "log_rank",
    "look_bounds",
    "look_interval",
    "mcnemar",
    "mean_interval",
    "mean_power",
    "mean_size",
    "mean_time_difference",
    "mean_time_interval",
    "non_inferiority",
    "normal_cdf",
    "normal_quantile",
    "paired_means",
    "paired_power",
    "paired_quantiles",
    "paired_shares",
    "paired_size",
    "pairwise_agreement",
    "pass_at_k",
    "pass_every_k",
    "policy_value",
    "policy_values",
    "posterior_difference",
    "power",
    "prediction_powered",
    "quantile_interval",
    "quantile_ranks",
    "rank_correlation",
    "ratio_interval",
    "repeated_samples",
    "risk_coverage",
    "rogan_gladen",
    "rolling_bound",
    "rows_to_tell",
    "sample_ratio",
    "sample_size",
    "share_change",
    "share_evidence",
    "share_p_value",
    "share_sequence",
    "spending_pace",
    "spent_error",
    "stratified_difference",
    "sums_influences",
    "sums_interval",
    "surprise_beyond",
    "t_interval",
    "t_quantile",
    "table_interval",
    "watched_shares",
    "weighted_share",
    "wilson",
]
