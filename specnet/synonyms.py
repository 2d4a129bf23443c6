"""Tables of other tools' names, for suggestions in `specnet.names` and for `docs/coming-from.md`.

An alias is the name here, the names elsewhere (ignoring case and underscores) and a note, such as that the same word
means a different number. One without a name here says what to do instead. Rows of `layers` are
types; those of `layers.*` are fields of any layer that has them, those of `layers.linear` fields of that layer. Rows of
`training` are fields of that section, rows of "" keys at the top of a spec.
"""

from __future__ import annotations

from typing import NamedTuple


class Alias(NamedTuple):
    """A name, its synonyms separated by blanks, and a note that ends a message about them."""

    name: str
    others: str
    note: str = ""


TYPES = {
    "layers": [
        Alias("linear", "Dense fc fully_connected affine inner_product"),
        Alias("silu", "swish"),
        Alias("leaky_relu", "lrelu", "its slope is negative_slope, 0.01 by default"),
        Alias("gelu", "gelu_tanh gelu_new", "set approximate to true for the form with tanh"),
        Alias("residual", "skip skip_connection shortcut residual_block res_block"),
        Alias("parallel", "branch branches inception"),
        Alias("repeat", "repeat_layers stack"),
        Alias("flatten", "ravel"),
        Alias("sigmoid", "logistic"),
    ],
    "losses": [
        Alias("mse", "mean_squared_error MSELoss squared_error l2 l2_loss"),
        Alias("mae", "mean_absolute_error L1Loss absolute_error l1"),
        Alias("huber", "HuberLoss"),
        Alias(
            "huber", "smooth_l1 SmoothL1Loss", "smooth_l1 divides by its beta, huber does not: they agree for delta 1"
        ),
        Alias("bce", "binary_crossentropy BCELoss", "it takes probabilities, bce_with_logits logits"),
        Alias("bce_with_logits", "BCEWithLogitsLoss sigmoid_cross_entropy binary_crossentropy_with_logits"),
        Alias(
            "cross_entropy",
            "categorical_crossentropy sparse_categorical_crossentropy categorical_cross_entropy CrossEntropyLoss "
            "softmax_cross_entropy log_loss nll nll_loss negative_log_likelihood",
            "it takes logits, with no softmax before it, and class numbers or one-hot targets",
        ),
    ],
    "metrics": [
        Alias("accuracy", "acc accuracy_score binary_accuracy categorical_accuracy sparse_categorical_accuracy"),
        Alias("mse", "mean_squared_error"),
        Alias("mae", "mean_absolute_error"),
        Alias("r2", "r2_score r_squared r_square coefficient_of_determination"),
    ],
    "optimizers": [
        Alias("sgd", "gradient_descent stochastic_gradient_descent"),
    ],
    "schedules": [
        Alias("constant", "constant_lr constant_schedule"),
        Alias("step", "StepLR step_decay staircase"),
        Alias("exponential", "ExponentialLR exponential_decay"),
        Alias("cosine", "CosineAnnealingLR cosine_annealing cosine_decay cosine_schedule"),
        Alias("reduce_on_plateau", "ReduceLROnPlateau plateau"),
    ],
    "initializers": [
        Alias("zeros", "zeros_"),
        Alias("ones", "ones_"),
        Alias("constant", "constant_ full fill"),
        Alias("normal", "normal_ random_normal gaussian randn"),
        Alias("uniform", "uniform_ random_uniform"),
        Alias("glorot_uniform", "glorot xavier xavier_uniform xavier_uniform_"),
        Alias("glorot_normal", "xavier_normal xavier_normal_"),
        Alias("he_uniform", "kaiming_uniform kaiming_uniform_"),
        Alias("he_normal", "he kaiming kaiming_normal kaiming_normal_"),
    ],
    "transforms": [
        Alias("standardize", "StandardScaler standard standardization normalization normalize zscore z_score"),
        Alias("minmax", "MinMaxScaler min_max_scaler"),
        Alias("scale", "rescaling rescale multiply"),
        Alias("one_hot", "OneHotEncoder one_hot_encoding category_encoding to_categorical dummies"),
    ],
    "datasets": [
        Alias("spiral", "spirals make_spiral"),
        Alias("csv", "tsv table read_csv"),
        Alias("idx", "mnist", "it reads the files of MNIST, which specs/mnist.json names"),
        Alias("npz", "npz_file arrays"),
    ],
    "plots": [
        Alias("curves", "learning_curve learning_curves history_plot"),
        Alias("confusion_matrix", "confusion ConfusionMatrixDisplay"),
        Alias("decision_boundary", "boundary DecisionBoundaryDisplay"),
        Alias("roc", "roc_curve RocCurveDisplay"),
        Alias("calibration", "calibration_curve reliability_diagram"),
    ],
}

FIELDS = {
    "": [
        Alias("layers", "model network architecture"),
        Alias("loss", "criterion objective loss_function"),
        Alias("dataset", "data datasets"),
        Alias("training", "train fit trainer"),
        Alias("transforms", "preprocessing"),
        Alias("seed", "random_state random_seed"),
        Alias("dtype", "precision"),
        Alias("checkpoint", "checkpoints checkpointing model_checkpoint"),
    ],
    "training": [
        Alias("epochs", "max_epochs n_epochs num_epochs num_train_epochs max_iter nb_epoch"),
        Alias("batch_size", "batch mini_batch_size minibatch_size"),
        Alias("clip_norm", "global_clipnorm gradient_clip_val max_grad_norm clip_grad_norm grad_clip"),
        Alias(
            "clip_norm", "clipnorm", "it is the norm of all gradients together, Keras' clipnorm that of each weight's"
        ),
        Alias("early_stopping", "early_stop EarlyStopping"),
    ],
    "training.early_stopping": [
        Alias("patience", "n_iter_no_change"),
        Alias("min_delta", "tol threshold delta"),
        Alias(
            "",
            "restore_best_weights",
            'leave it out: the best state is always kept as a checkpoint, for "specnet evaluate --checkpoint best"',
        ),
    ],
    "split": [
        Alias("validation", "val valid dev val_size validation_size validation_fraction"),
        Alias("validation", "validation_split", "the share is drawn at random, Keras takes the last samples"),
        Alias("test", "test_size test_split"),
    ],
    "checkpoint": [
        Alias("every", "save_freq every_n_epochs save_every period"),
        Alias("every_steps", "every_n_train_steps save_steps"),
        Alias("keep", "save_top_k max_to_keep save_total_limit"),
    ],
    "layers.*": [
        Alias("units", "out_features output_size n_units"),
        Alias("use_bias", "bias"),
        Alias("weight_init", "kernel_initializer weight_initializer kernel_init"),
        Alias("bias_init", "bias_initializer"),
        Alias("", "activation", 'write the activation as a separate layer on the next line, such as "relu"'),
        Alias("", "in_features input_dim input_shape input_size", "leave it out: shapes follow from the data"),
    ],
    "layers.dropout": [Alias("rate", "p prob probability drop_rate")],
    "layers.leaky_relu": [Alias("negative_slope", "alpha slope")],
    "layers.parallel": [Alias("branches", "layers paths"), Alias("merge", "mode merge_mode")],
    "layers.repeat": [Alias("times", "n count num_layers num_repeats")],
    "layers.residual": [Alias("layers", "branch body")],
    "losses.huber": [Alias("delta", "beta")],
    "losses.bce": [Alias("", "from_logits", "leave it out: bce takes probabilities, bce_with_logits logits")],
    "losses.cross_entropy": [Alias("", "from_logits", "leave it out: cross_entropy takes logits")],
    "optimizers.*": [
        Alias("learning_rate", "lr eta learning_rate_init step_size"),
        Alias("epsilon", "eps"),
        Alias("beta_1", "beta1 b1 beta"),
        Alias("beta_2", "beta2 b2"),
        Alias("beta_1", "betas", "the second one is beta_2"),
    ],
    "schedules.*": [
        Alias("initial", "initial_learning_rate lr base_lr initial_lr start"),
        Alias("steps", "decay_steps total_steps n_steps"),
        Alias("epochs", "T_max n_epochs"),
        Alias("final", "eta_min min_lr end end_learning_rate"),
        Alias("warmup_steps", "warmup num_warmup_steps", "warmup_epochs counts epochs"),
        Alias("factor", "gamma decay_rate"),
        Alias("every", "step_size", "it counts epochs, every_steps counts steps"),
    ],
    "schedules.constant": [Alias("value", "learning_rate lr initial")],
    "schedules.exponential": [
        Alias("every_steps", "decay_steps"),
        Alias("", "staircase", "leave it out: the schedule step is a staircase"),
    ],
    "schedules.cosine": [
        Alias("final", "alpha", "it is the value itself, Keras' alpha a share of the initial one"),
    ],
    "schedules.reduce_on_plateau": [
        Alias("minimum", "min_lr"),
        Alias("min_delta", "threshold", "it is absolute, PyTorch's threshold a share of the best value by default"),
    ],
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
    "transforms.scale": [Alias("factor", "scale")],
    "transforms.minmax": [Alias("low", "feature_range", "the second one is high")],
    "datasets.*": [
        Alias("n_samples", "n_points num_samples n samples"),
        Alias("noise", "std cluster_std"),
        Alias("path", "file filename file_path"),
        Alias("", "random_state seed", "leave it out: the spec's seed determines every random number"),
    ],
    "datasets.csv": [
        Alias("delimiter", "sep separator"),
        Alias("skip_rows", "skiprows skip_header"),
        Alias("names", "column_names col_names"),
        Alias("quote", "quotechar quote_char"),
        Alias("comment", "comments comment_prefix"),
        Alias("inputs", "features columns x"),
        Alias("targets", "target label labels y"),
    ],
    "datasets.npz": [Alias("inputs", "x features"), Alias("targets", "y labels")],
    "datasets.npy": [Alias("inputs", "x features"), Alias("targets", "y labels")],
    "datasets.idx": [
        Alias("test", "test_images test_labels", 'it holds both files: {"images": "…", "labels": "…"}'),
    ],
    "datasets.sines": [Alias("length", "steps sequence_length timesteps")],
}

SPLIT_NAMES = [Alias("validation", "val valid dev"), Alias("train", "training"), Alias("test", "testing")]
"""Parts of the data, as commands and monitored values name them."""

COMMANDS = [
    Alias("run", "train fit learn start"),
    Alias("resume", "continue restart"),
    Alias("evaluate", "eval test score"),
    Alias("predict", "infer inference"),
    Alias("validate", "lint verify"),
    Alias("summary", "describe info"),
    Alias("components", "list ls layers"),
    Alias("plot", "draw visualize show"),
    Alias("report", "html page"),
    Alias("compare", "diff"),
    Alias("new", "init create scaffold"),
    Alias("data", "dataset"),
]
"""Commands."""

DISTINCT_NAMES = """
conv1d conv2d conv3d conv1d_transpose conv2d_transpose depthwise_conv2d separable_conv2d max_pool1d max_pool2d
max_pooling1d max_pooling2d average_pool1d average_pool2d avg_pool2d global_average_pool global_max_pool upsample1d
upsample2d zero_pad crop pixel_shuffle batch_norm batch_normalization batch_norm1d batch_norm2d layer_norm rms_norm
group_norm instance_norm embedding positional_encoding rnn simple_rnn lstm gru multi_head_attention attention masking
reshape permute repeat_vector slice reverse shift identity spatial_dropout alpha_dropout drop_path gaussian_noise
relu6 softsign selu mish hard_sigmoid hard_silu hard_swish hard_tanh sine sin square gaussian prelu celu log_softmax
glu swiglu maxout sequential time_distributed concat concatenate add average multiply maximum mape msle log_cosh
quantile pinball focal hinge squared_hinge kl_divergence dice poisson_nll gaussian_nll laplace_nll cosine_distance
cosine_similarity ordinal ctc triplet adamw nadam radam adamax adabelief lamb rmsprop adadelta adagrad lion muon
schedule_free rprop lbfgs conjugate_gradient levenberg_marquardt lookahead sam polynomial multi_step piecewise
inverse_sqrt cosine_restarts one_cycle cyclic warmup_stable_decay warmup join top_k_accuracy balanced_accuracy
precision recall f1 specificity jaccard roc_auc average_precision log_loss brier_score ece matthews_corrcoef
cohen_kappa hamming_loss rmse median_absolute_error smape explained_variance nrmse pearson spearman pinball_loss
coverage perplexity bits_per_character truncated_normal lecun_uniform lecun_normal orthogonal variance_scaling sparse
torch_default robust clip log power bins pca fourier_features impute date_parts random_flip random_crop
random_translation random_rotation random_erasing mixup time_warp parquet excel json_lines series image_folder text
moons circles blobs xor checkerboard two_spirals parity modular_arithmetic adding copy reber mackey_glass formula
weight_decay amsgrad dampening rho centered trainable name kernel_size filters strides padding groups dilation_rate
momentum gamma alpha epsilon center scale clip_value minimum maximum mean median mode low high inputs targets
threshold average positive normalize reduction class_weight label_smoothing ignore_index pos_weight smooth margin
activity_l1 activity_l2 l1 l2 max_norm callbacks stop_at max_seconds gradient_accumulation_steps
export repeat sweep search tune trace serve reproduce refit cross_validate
"""
"""Names with their own meaning, whether they exist here or not: they are never treated as misspelt."""
