"""Tables of other tools' names, for suggestions in `specnet.names` and for `docs/coming-from.md`.

A row is the name here, the names elsewhere (ignoring case and underscores) and a note, such as that the same word
means a different number. A row without a name here says what to do instead. Rows of `layers` are
types; those of `layers.*` are fields of any layer that has them, those of `layers.linear` fields of that layer. Rows of
`training` are fields of that section, rows of "" keys at the top of a spec.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A name, its synonyms separated by blanks, and a note that ends a message about them."""

    here: str
    elsewhere: str
    note: str = ""


TYPES = {
    "layers": [
        Row("linear", "Dense fc fully_connected affine inner_product"),
        Row("silu", "swish"),
        Row("leaky_relu", "lrelu", "its slope is negative_slope, 0.01 by default"),
        Row("gelu", "gelu_tanh gelu_new", "set approximate to true for the form with tanh"),
        Row("residual", "skip skip_connection shortcut residual_block res_block"),
        Row("parallel", "branch branches inception"),
        Row("repeat", "repeat_layers stack"),
        Row("flatten", "ravel"),
        Row("sigmoid", "logistic"),
    ],
    "losses": [
        Row("mse", "mean_squared_error MSELoss squared_error l2 l2_loss"),
        Row("mae", "mean_absolute_error L1Loss absolute_error l1"),
        Row("huber", "HuberLoss"),
        Row("huber", "smooth_l1 SmoothL1Loss", "smooth_l1 divides by its beta, huber does not: they agree for delta 1"),
        Row("bce", "binary_crossentropy BCELoss", "it takes probabilities, bce_with_logits logits"),
        Row("bce_with_logits", "BCEWithLogitsLoss sigmoid_cross_entropy binary_crossentropy_with_logits"),
        Row(
            "cross_entropy",
            "categorical_crossentropy sparse_categorical_crossentropy categorical_cross_entropy CrossEntropyLoss "
            "softmax_cross_entropy log_loss nll nll_loss negative_log_likelihood",
            "it takes logits, with no softmax before it, and class numbers or one-hot targets",
        ),
    ],
    "metrics": [
        Row("accuracy", "acc accuracy_score binary_accuracy categorical_accuracy sparse_categorical_accuracy"),
        Row("mse", "mean_squared_error"),
        Row("mae", "mean_absolute_error"),
        Row("r2", "r2_score r_squared r_square coefficient_of_determination"),
    ],
    "optimizers": [
        Row("sgd", "gradient_descent stochastic_gradient_descent"),
    ],
    "schedules": [
        Row("constant", "constant_lr constant_schedule"),
        Row("step", "StepLR step_decay staircase"),
        Row("exponential", "ExponentialLR exponential_decay"),
        Row("cosine", "CosineAnnealingLR cosine_annealing cosine_decay cosine_schedule"),
        Row("reduce_on_plateau", "ReduceLROnPlateau plateau"),
    ],
    "initializers": [
        Row("zeros", "zeros_"),
        Row("ones", "ones_"),
        Row("constant", "constant_ full fill"),
        Row("normal", "normal_ random_normal gaussian randn"),
        Row("uniform", "uniform_ random_uniform"),
        Row("glorot_uniform", "glorot xavier xavier_uniform xavier_uniform_"),
        Row("glorot_normal", "xavier_normal xavier_normal_"),
        Row("he_uniform", "kaiming_uniform kaiming_uniform_"),
        Row("he_normal", "he kaiming kaiming_normal kaiming_normal_"),
    ],
    "transforms": [
        Row("standardize", "StandardScaler standard standardization normalization normalize zscore z_score"),
        Row("minmax", "MinMaxScaler min_max_scaler"),
        Row("scale", "rescaling rescale multiply"),
        Row("one_hot", "OneHotEncoder one_hot_encoding category_encoding to_categorical dummies"),
    ],
    "datasets": [
        Row("spiral", "spirals make_spiral"),
        Row("csv", "tsv table read_csv"),
        Row("idx", "mnist", "it reads the files of MNIST, which specs/mnist.json names"),
        Row("npz", "npz_file arrays"),
    ],
    "plots": [
        Row("curves", "learning_curve learning_curves history_plot"),
        Row("confusion_matrix", "confusion ConfusionMatrixDisplay"),
        Row("decision_boundary", "boundary DecisionBoundaryDisplay"),
        Row("roc", "roc_curve RocCurveDisplay"),
        Row("calibration", "calibration_curve reliability_diagram"),
    ],
}

FIELDS = {
    "": [
        Row("layers", "model network architecture"),
        Row("loss", "criterion objective loss_function"),
        Row("dataset", "data datasets"),
        Row("training", "train fit trainer"),
        Row("transforms", "preprocessing"),
        Row("seed", "random_state random_seed"),
        Row("dtype", "precision"),
        Row("checkpoint", "checkpoints checkpointing model_checkpoint"),
    ],
    "training": [
        Row("epochs", "max_epochs n_epochs num_epochs num_train_epochs max_iter nb_epoch"),
        Row("batch_size", "batch mini_batch_size minibatch_size"),
        Row("clip_norm", "global_clipnorm gradient_clip_val max_grad_norm clip_grad_norm grad_clip"),
        Row("clip_norm", "clipnorm", "it is the norm of all gradients together, Keras' clipnorm that of each weight's"),
        Row("early_stopping", "early_stop EarlyStopping"),
    ],
    "training.early_stopping": [
        Row("patience", "n_iter_no_change"),
        Row("min_delta", "tol threshold delta"),
        Row(
            "",
            "restore_best_weights",
            'leave it out: the best state is always kept as a checkpoint, for "specnet evaluate --checkpoint best"',
        ),
    ],
    "split": [
        Row("validation", "val valid dev val_size validation_size validation_fraction"),
        Row("validation", "validation_split", "the share is drawn at random, Keras takes the last samples"),
        Row("test", "test_size test_split"),
    ],
    "checkpoint": [
        Row("every", "save_freq every_n_epochs save_every period"),
        Row("every_steps", "every_n_train_steps save_steps"),
        Row("keep", "save_top_k max_to_keep save_total_limit"),
    ],
    "layers.*": [
        Row("units", "out_features output_size n_units"),
        Row("use_bias", "bias"),
        Row("weight_init", "kernel_initializer weight_initializer kernel_init"),
        Row("bias_init", "bias_initializer"),
        Row("", "activation", 'write the activation as a separate layer on the next line, such as "relu"'),
        Row("", "in_features input_dim input_shape input_size", "leave it out: shapes follow from the data"),
    ],
    "layers.dropout": [Row("rate", "p prob probability drop_rate")],
    "layers.leaky_relu": [Row("negative_slope", "alpha slope")],
    "layers.parallel": [Row("branches", "layers paths"), Row("merge", "mode merge_mode")],
    "layers.repeat": [Row("times", "n count num_layers num_repeats")],
    "layers.residual": [Row("layers", "branch body")],
    "losses.huber": [Row("delta", "beta")],
    "losses.bce": [Row("", "from_logits", "leave it out: bce takes probabilities, bce_with_logits logits")],
    "losses.cross_entropy": [Row("", "from_logits", "leave it out: cross_entropy takes logits")],
    "optimizers.*": [
        Row("learning_rate", "lr eta learning_rate_init step_size"),
        Row("epsilon", "eps"),
        Row("beta_1", "beta1 b1 beta"),
        Row("beta_2", "beta2 b2"),
        Row("beta_1", "betas", "the second one is beta_2"),
    ],
    "schedules.*": [
        Row("initial", "initial_learning_rate lr base_lr initial_lr start"),
        Row("steps", "decay_steps total_steps n_steps"),
        Row("epochs", "T_max n_epochs"),
        Row("final", "eta_min min_lr end end_learning_rate"),
        Row("warmup_steps", "warmup num_warmup_steps", "warmup_epochs counts epochs"),
        Row("factor", "gamma decay_rate"),
        Row("every", "step_size", "it counts epochs, every_steps counts steps"),
    ],
    "schedules.constant": [Row("value", "learning_rate lr initial")],
    "schedules.exponential": [
        Row("every_steps", "decay_steps"),
        Row("", "staircase", "leave it out: the schedule step is a staircase"),
    ],
    "schedules.cosine": [
        Row("final", "alpha", "it is the value itself, Keras' alpha a share of the initial one"),
    ],
    "schedules.reduce_on_plateau": [
        Row("minimum", "min_lr"),
        Row("min_delta", "threshold", "it is absolute, PyTorch's threshold a share of the best value by default"),
    ],
    "transforms.gaussian_noise": [
        Row("std", "stddev sigma scale"),
    ],
    "initializers.*": [
        Row("std", "stddev sigma scale"),
        Row("mean", "loc mu"),
        Row("low", "minval minimum a"),
        Row("high", "maxval maximum b"),
        Row("value", "val constant fill_value"),
        Row("", "seed", "leave it out: the spec's seed determines every random number"),
    ],
    "transforms.scale": [Row("factor", "scale")],
    "transforms.minmax": [Row("low", "feature_range", "the second one is high")],
    "datasets.*": [
        Row("n_samples", "n_points num_samples n samples"),
        Row("noise", "std cluster_std"),
        Row("path", "file filename file_path"),
        Row("", "random_state seed", "leave it out: the spec's seed determines every random number"),
    ],
    "datasets.csv": [
        Row("delimiter", "sep separator"),
        Row("inputs", "features columns x"),
        Row("targets", "target label labels y"),
    ],
    "datasets.npz": [Row("inputs", "x features"), Row("targets", "y labels")],
    "datasets.npy": [Row("inputs", "x features"), Row("targets", "y labels")],
    "datasets.idx": [
        Row("test", "test_images test_labels", 'it holds both files: {"images": "…", "labels": "…"}'),
    ],
    "datasets.sines": [Row("length", "steps sequence_length timesteps")],
}

SPLITS = [Row("validation", "val valid dev"), Row("train", "training"), Row("test", "testing")]
"""Parts of the data, as commands and monitored values name them."""

COMMANDS = [
    Row("run", "train fit learn start"),
    Row("resume", "continue restart"),
    Row("evaluate", "eval test score"),
    Row("predict", "infer inference"),
    Row("validate", "lint verify"),
    Row("summary", "describe info"),
    Row("components", "list ls layers"),
    Row("plot", "draw visualize show"),
    Row("report", "html page"),
    Row("compare", "diff"),
    Row("new", "init create scaffold"),
    Row("data", "dataset"),
]
"""Commands."""

OTHERS = """
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
