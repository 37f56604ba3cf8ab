#![doc = include_str!("recipes/recipes.md")]

pub mod authentication {
    #![doc = include_str!("recipes/authentication.md")]
}

pub mod cancel {
    #![doc = include_str!("recipes/cancel.md")]
}

pub mod dependencies {
    #![doc = include_str!("recipes/dependencies.md")]
}

pub mod metrics {
    #![doc = include_str!("recipes/metrics.md")]
}

pub mod priorities {
    #![doc = include_str!("recipes/priorities.md")]
}

pub mod privacy {
    #![doc = include_str!("recipes/privacy.md")]
}

pub mod retry {
    #![doc = include_str!("recipes/retry.md")]
}

pub mod schedule {
    #![doc = include_str!("recipes/schedule.md")]
}

pub mod webhooks {
    #![doc = include_str!("recipes/webhooks.md")]
}

pub mod worker_kinds {
    #![doc = include_str!("recipes/worker_kinds.md")]
}
