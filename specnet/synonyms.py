"""Tables of other tools' names, for suggestions in `specnet.names` and for `docs/coming-from.md`.

An alias is the name here, the names elsewhere (ignoring case and underscores) and a note, such as that the same word
means a different number. One without a name says what to do instead. Rows of `layers` are types, of `layers.*` fields
of any layer that has them, of `layers.linear` fields of that layer, of `training` fields of that section, of "" keys.
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
        Alias("", "activation", 'write its name as the layer, such as "relu"'),
        Alias("", "input input_layer", "leave it out: shapes follow from the data"),
        Alias("", "bidirectional", "set bidirectional to true in rnn, lstm or gru"),
        Alias("leaky_relu", "lrelu", "its slope is negative_slope, 0.01 by default"),
        Alias("gelu", "gelu_tanh gelu_new", "set approximate to true for the tanh approximation"),
        Alias("residual", "skip skip_connection shortcut residual_block res_block"),
        Alias("parallel", "branch branches inception"),
        Alias("repeat", "repeat_layers stack"),
        Alias("flatten", "ravel"),
        Alias("sequential", "sequence chain block"),
        Alias("concat", "concatenate cat"),
        Alias("add", "sum plus"),
        Alias("average", "mean avg"),
        Alias("multiply", "mul product times"),
        Alias("maximum", "max"),
        Alias("reshape", "view unflatten"),
        Alias("permute", "transpose"),
        Alias("slice", "narrow"),
        Alias("reverse", "flip"),
        Alias("identity", "passthrough no_op"),
        Alias("zero_pad", "zero_padding1d zero_padding2d ZeroPad1d ZeroPad2d padding"),
        Alias("crop", "cropping cropping1d cropping2d center_crop"),
        Alias("conv1d", "convolution1d conv_1d temporal_convolution tdnn"),
        Alias("conv2d", "convolution2d conv convolution"),
        Alias("conv1d_transpose", "ConvTranspose1d deconv1d convolution1d_transpose"),
        Alias("conv2d_transpose", "ConvTranspose2d deconv2d deconvolution convolution2d_transpose"),
        Alias("depthwise_conv2d", "depthwise_convolution2d depthwise"),
        Alias("separable_conv2d", "separable_convolution2d depthwise_separable_conv2d"),
        Alias("locally_connected2d", "local2d locally_connected"),
        Alias("max_pool1d", "max_pooling1d"),
        Alias("max_pool2d", "max_pooling2d max_pool max_pooling"),
        Alias("average_pool1d", "average_pooling1d avg_pool1d", "padding does not count"),
        Alias("average_pool2d", "average_pooling2d avg_pool2d avg_pool average_pooling", "padding does not count"),
        Alias(
            "global_average_pool",
            "global_average_pooling1d global_average_pooling2d global_avg_pool adaptive_avg_pool1d adaptive_avg_pool2d",
            "it leaves one number for each channel",
        ),
        Alias(
            "global_max_pool",
            "global_max_pooling1d global_max_pooling2d adaptive_max_pool1d adaptive_max_pool2d",
            "it leaves one number for each channel",
        ),
        Alias("upsample1d", "upsampling1d"),
        Alias("upsample2d", "upsampling2d upsample resize interpolate"),
        Alias("sigmoid", "logistic"),
        Alias("hard_silu", "hard_swish"),
        Alias("hard_sigmoid", "hardsigmoid"),
        Alias("sine", "sin siren"),
        Alias("gaussian", "rbf"),
        Alias("batch_norm", "batch_normalization batch_norm1d batch_norm2d", "its momentum is 1 minus PyTorch's"),
        Alias("layer_norm", "layer_normalization"),
        Alias("rms_norm", "rms_normalization"),
        Alias("group_norm", "group_normalization"),
        Alias("group_norm", "instance_norm InstanceNorm1d InstanceNorm2d", "it has as many groups as features"),
        Alias("spatial_dropout", "spatial_dropout1d spatial_dropout2d dropout1d dropout2d feature_dropout"),
        Alias("drop_path", "stochastic_depth drop_connect"),
        Alias("embedding", "token_embedding lookup_table"),
        Alias("positional_encoding", "position_encoding positional_embedding position_embedding"),
        Alias("rnn", "simple_rnn elman"),
        Alias("lstm", "bilstm bidirectional_lstm", "set bidirectional to true"),
        Alias("gru", "bigru bidirectional_gru", "set bidirectional to true"),
        Alias("multi_head_attention", "attention self_attention mha grouped_query_attention"),
    ],
    "losses": [
        Alias("mse", "mean_squared_error MSELoss squared_error l2 l2_loss"),
        Alias("mae", "mean_absolute_error L1Loss absolute_error l1"),
        Alias("huber", "HuberLoss"),
        Alias(
            "huber", "smooth_l1 SmoothL1Loss", "smooth_l1 divides by its beta, huber does not: they agree for delta 1"
        ),
        Alias("log_cosh", "LogCosh log_cosh_loss"),
        Alias("mape", "mean_absolute_percentage_error", "it is a fraction, Keras' a percentage"),
        Alias("msle", "mean_squared_logarithmic_error"),
        Alias("quantile", "pinball pinball_loss quantile_loss"),
        Alias("poisson_nll", "poisson PoissonNLLLoss", "outputs are logarithms of rates; Keras' are rates"),
        Alias("gaussian_nll", "GaussianNLLLoss nll_gaussian mdn", "outputs are means, then logarithms of variances"),
        Alias("laplace_nll", "nll_laplace"),
        Alias("cosine_distance", "cosine_similarity cosine_proximity cosine", "it is 1 - cos, Keras' is -cos"),
        Alias("focal", "focal_loss sigmoid_focal_loss binary_focal_crossentropy"),
        Alias("categorical_focal", "categorical_focal_crossentropy softmax_focal_loss"),
        Alias("hinge", "hinge_loss", "targets are 0 and 1"),
        Alias("squared_hinge", "squared_hinge_loss", "targets are 0 and 1"),
        Alias("kl_divergence", "KLDivLoss kl_div kld kullback_leibler_divergence", "it takes logits"),
        Alias("dice", "dice_loss"),
        Alias("ctc", "CTCLoss ctc_loss"),
        Alias("triplet", "TripletMarginLoss triplet_loss", "outputs are anchor, positive and negative"),
        Alias("bce_with_logits", "SoftMarginLoss soft_margin_loss", "targets are 0 and 1, not -1 and 1"),
        Alias("sum", "multi_task multitask weighted_sum loss_weights combined_loss", "with a loss for each head"),
        Alias("ordinal", "coral corn ordinal_regression"),
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
        Alias("top_k_accuracy", "top_k_accuracy_score top_k_categorical_accuracy sparse_top_k_categorical_accuracy"),
        Alias("balanced_accuracy", "balanced_accuracy_score"),
        Alias("precision", "precision_score positive_predictive_value ppv"),
        Alias("recall", "recall_score sensitivity true_positive_rate tpr hit_rate"),
        Alias("f1", "f1_score f_score f_measure"),
        Alias("specificity", "true_negative_rate tnr"),
        Alias("jaccard", "jaccard_score jaccard_index iou mean_iou"),
        Alias("roc_auc", "auc auroc roc_auc_score"),
        Alias("average_precision", "average_precision_score pr_auc auprc"),
        Alias("log_loss", "nll negative_log_likelihood cross_entropy binary_crossentropy categorical_crossentropy"),
        Alias("brier_score", "brier_score_loss brier"),
        Alias("ece", "expected_calibration_error calibration_error"),
        Alias("matthews_corrcoef", "mcc matthews_correlation"),
        Alias("cohen_kappa", "cohen_kappa_score kappa"),
        Alias("hamming_loss", "hamming hamming_distance"),
        Alias("mse", "mean_squared_error"),
        Alias("rmse", "root_mean_squared_error"),
        Alias("mae", "mean_absolute_error"),
        Alias("median_absolute_error", "median_ae"),
        Alias("mape", "mean_absolute_percentage_error", "it is a fraction, Keras' a percentage"),
        Alias("smape", "symmetric_mean_absolute_percentage_error"),
        Alias("r2", "r2_score r_squared r_square coefficient_of_determination"),
        Alias("explained_variance", "explained_variance_score"),
        Alias("nrmse", "normalized_rmse ndei normalized_root_mean_squared_error"),
        Alias("pearson", "pearsonr pearson_correlation pearson_corrcoef"),
        Alias("spearman", "spearmanr spearman_correlation spearman_corrcoef"),
        Alias("pinball_loss", "mean_pinball_loss quantile_loss pinball"),
        Alias("coverage", "interval_coverage picp"),
        Alias("bits_per_character", "bpc bits_per_byte"),
    ],
    "optimizers": [
        Alias("sgd", "gradient_descent stochastic_gradient_descent"),
        Alias("sgd", "momentum nesterov nag", "momentum and nesterov are its fields"),
        Alias("adam", "amsgrad", "amsgrad is a field of it"),
        Alias("lbfgs", "l_bfgs l_bfgs_b bfgs"),
        Alias("conjugate_gradient", "cg scg trainscg scaled_conjugate_gradient"),
        Alias("levenberg_marquardt", "lm trainlm marquardt"),
        Alias("rprop", "trainrp resilient_propagation resilient_backpropagation"),
    ],
    "schedules": [
        Alias("constant", "constant_lr constant_schedule"),
        Alias("step", "StepLR step_decay staircase"),
        Alias("exponential", "ExponentialLR exponential_decay"),
        Alias("cosine", "CosineAnnealingLR cosine_annealing cosine_decay cosine_schedule"),
        Alias("reduce_on_plateau", "ReduceLROnPlateau plateau"),
        Alias("linear", "LinearLR linear_decay linear_schedule"),
        Alias("polynomial", "PolynomialLR polynomial_decay poly"),
        Alias("multi_step", "MultiStepLR"),
        Alias("piecewise", "PiecewiseConstantDecay piecewise_constant piecewise_constant_schedule"),
        Alias("inverse_sqrt", "inverse_square_root rsqrt noam"),
        Alias("cosine_restarts", "CosineAnnealingWarmRestarts cosine_decay_restarts sgdr"),
        Alias("one_cycle", "OneCycleLR 1cycle cosine_onecycle_schedule"),
        Alias("cyclic", "CyclicLR cyclical triangular"),
        Alias("warmup_stable_decay", "wsd trapezoid trapezoidal"),
        Alias("warmup", "linear_warmup warmup_linear"),
        Alias("join", "SequentialLR join_schedules sequential chain"),
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
        Alias("lecun_normal", "lecun"),
        Alias("truncated_normal", "trunc_normal_ trunc_normal"),
        Alias("orthogonal", "orthogonal_ orthogonal_initializer"),
        Alias("identity", "eye eye_ dirac dirac_"),
        Alias("sparse", "sparse_", "its columns are those of (inputs, outputs), the transpose of PyTorch's weight"),
        Alias("torch_default", "torch pytorch pytorch_default"),
    ],
    "transforms": [
        Alias("standardize", "StandardScaler standard standardization normalization normalize zscore z_score"),
        Alias("minmax", "MinMaxScaler min_max_scaler"),
        Alias("robust", "RobustScaler robust_scale median_iqr"),
        Alias("scale", "rescaling rescale multiply"),
        Alias("clip", "clamp clip_by_value winsorize"),
        Alias("log", "logarithm ln log_transform"),
        Alias("log", "log1p", "log1p has the offset 1"),
        Alias("power", "PowerTransformer yeo_johnson power_transform"),
        Alias("quantile", "QuantileTransformer quantile_transform rank_gauss"),
        Alias("bins", "KBinsDiscretizer discretization discretize binning bucketize"),
        Alias("polynomial", "PolynomialFeatures poly interactions"),
        Alias("fourier_features", "RBFSampler random_fourier_features", "it has a sine and a cosine of each frequency"),
        Alias("pca", "principal_components principal_component_analysis"),
        Alias("impute", "SimpleImputer imputer fillna fill_missing"),
        Alias("one_hot", "OneHotEncoder one_hot_encoding category_encoding to_categorical dummies get_dummies"),
        Alias("ordinal", "OrdinalEncoder LabelEncoder string_lookup integer_lookup category_codes"),
        Alias("date_parts", "date_features datetime_features"),
        Alias("random_flip", "flip horizontal_flip random_horizontal_flip RandomVerticalFlip"),
        Alias("random_crop", "crop", "it adds padding, and keeps the size"),
        Alias("random_translation", "shift random_shift translation random_affine"),
        Alias("random_rotation", "rotation rotate"),
        Alias("random_erasing", "cutout erasing random_erase"),
        Alias("mixup", "mix_up"),
    ],
    "datasets": [
        Alias("spiral", "spirals make_spiral"),
        Alias("two_spirals", "twin_spirals intertwined_spirals"),
        Alias("moons", "make_moons two_moons"),
        Alias("circles", "make_circles"),
        Alias("blobs", "make_blobs gaussian_blobs"),
        Alias("mnist1d", "mnist_1d"),
        Alias("copy", "copy_task copy_memory copying copying_memory"),
        Alias("reber", "reber_grammar embedded_reber"),
        Alias("formula", "function expression equation"),
        Alias("csv", "tsv table read_csv"),
        Alias("series", "time_series timeseries timeseries_dataset_from_array TimeSeriesDataSet"),
        Alias("idx", "mnist", "it reads the files of MNIST, which specs/mnist.json names"),
        Alias("npz", "npz_file"),
        Alias("text", "text_line TextLineDataset corpus characters"),
        Alias("image_folder", "images image_dataset_from_directory ImageDataGenerator"),
        Alias("arrays", "array in_memory TensorDataset"),
        Alias("frame", "DataFrame data_frame pandas polars"),
    ],
    "plots": [
        Alias("curves", "learning_curve learning_curves history_plot"),
        Alias("confusion_matrix", "confusion ConfusionMatrixDisplay"),
        Alias("decision_boundary", "boundary DecisionBoundaryDisplay"),
        Alias("roc", "roc_curve RocCurveDisplay"),
        Alias("calibration", "calibration_curve reliability_diagram"),
    ],
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
    Alias("lr-find", "lr_finder find_lr range_test"),
    Alias("new", "init create scaffold"),
    Alias("data", "dataset"),
    Alias("sweep", "tune optimize grid_search hyperopt"),
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
min_step max_step eta_minus eta_plus damping damping_factor restart history_size max_iter tolerance_grad
activity_l1 activity_l2 l1 l2 max_norm callbacks schedule schedules stop_at max_seconds gradient_accumulation_steps
rmsle mase mpe mbe rae rse wmape mdape medae max_error fbeta adan asgd adamod adamp padam adafactor lars yogi
export repeat sweep search tune trace serve reproduce refit cross_validate
"""
"""Names with their own meaning, whether they exist here or not: they are never treated as misspelt."""
