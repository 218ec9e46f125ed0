//! proto ⇄ domain.
