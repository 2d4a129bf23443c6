"""Other tools' names of the fields of datasets and transforms."""

from __future__ import annotations

from specnet.synonyms import Alias

DATA_FIELDS = {
    "transforms.random_rotation": [Alias("degrees", "factor angle degree", "Keras' factor is a share of a turn")],
    "transforms.random_translation": [
        Alias("width_factor", "width_shift_range"),
        Alias("height_factor", "height_shift_range"),
    ],
    "transforms.random_erasing": [Alias("probability", "p rate")],
    "transforms.gaussian_noise": [
        Alias("std", "stddev sigma scale"),
    ],
    "initializers.*": [
        Alias("std", "stddev sigma scale"),
        Alias("mean", "loc mu"),
        Alias("low", "minval minimum a"),
        Alias("high", "maxval maximum b"),
        Alias("value", "val constant fill_value"),
        Alias("", "seed", "leave it out: the spec's seed determines every random number"),
    ],
    "initializers.truncated_normal": [
        Alias("", "a b low high", "leave it out: the distribution ends two standard deviations from the mean"),
    ],
    "initializers.variance_scaling": [Alias("scale", "gain factor")],
    "transforms.scale": [Alias("factor", "scale")],
    "transforms.minmax": [Alias("low", "feature_range", "the second one is high")],
    "transforms.robust": [Alias("", "with_centering with_scaling", "leave it out: it does both")],
    "transforms.clip": [Alias("low", "min a_min lower"), Alias("high", "max a_max upper")],
    "transforms.log": [Alias("offset", "shift epsilon pseudocount")],
    "transforms.power": [Alias("", "standardize", "leave it out: the result is always standardized")],
    "transforms.quantile": [Alias("output", "output_distribution")],
    "transforms.bins": [
        Alias("n_bins", "num_bins bins"),
        Alias("", "encode", "leave it out: each bin is a column of zeros and ones"),
    ],
    "transforms.polynomial": [
        Alias("degree", "degrees"),
        Alias("", "include_bias", "leave it out: a linear layer has a bias, so no column is constant"),
    ],
    "transforms.fourier_features": [
        Alias("n_features", "n_components output_dim"),
        Alias("scale", "gamma", "it is the standard deviation of the frequencies, in periods for each unit of x"),
        Alias("seed", "random_state"),
    ],
    "transforms.pca": [Alias("n_components", "k components")],
    "transforms.impute": [Alias("fill_value", "value")],
    "transforms.one_hot": [Alias("drop", "drop_first", 'its value is "first"')],
    "datasets.*": [
        Alias("n_samples", "n_points num_samples n samples"),
        Alias("noise", "std cluster_std"),
        Alias("path", "file filename file_path"),
        Alias("length", "lengths"),
        Alias("", "random_state seed", "leave it out: the spec's seed determines every random number"),
    ],
    "datasets.csv": [
        Alias("delimiter", "sep separator"),
        Alias("skip_rows", "skiprows skip_header"),
        Alias("names", "column_names col_names"),
        Alias("quote", "quotechar quote_char"),
        Alias("comment", "comments comment_prefix"),
        Alias("inputs", "features columns usecols x"),
        Alias("exclude", "drop index_col"),
        Alias("targets", "target label labels y"),
    ],
    "datasets.series": [
        Alias("inputs", "features columns x"),
        Alias("targets", "target label labels y"),
        Alias("lags", "sequence_length n_lags look_back lookback window window_size input_chunk_length"),
        Alias("horizon", "steps_ahead forecast_horizon shift"),
        Alias("stride", "sequence_stride step"),
        Alias("group_by", "group groups group_ids id unique_id"),
        Alias("order", "time time_idx sort_by date ds"),
        Alias("delimiter", "sep separator"),
    ],
    "datasets.npz": [Alias("inputs", "x features"), Alias("targets", "y labels"), Alias("lengths", "length")],
    "datasets.npy": [Alias("inputs", "x features"), Alias("targets", "y labels")],
    "datasets.idx": [
        Alias("test", "test_images test_labels", 'it holds both files: {"images": "…", "labels": "…"}'),
    ],
    "datasets.sines": [Alias("length", "steps sequence_length timesteps")],
    "datasets.copy": [Alias("length", "sequence_length"), Alias("symbols", "alphabet_size n_symbols vocabulary_size")],
    "datasets.text": [
        Alias("sequence_length", "length seq_len seq_length block_size context_length max_length"),
        Alias("vocabulary_size", "vocab_size max_tokens max_features"),
        Alias("unit", "level split tokenizer"),
    ],
    "datasets.image_folder": [
        Alias("path", "directory root folder"),
        Alias("image_size", "size target_size resize"),
        Alias("color_mode", "mode channels"),
    ],
}
