//! HTTP to endpoints: whom it reaches, what it says, and what it makes of answers.

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod world;
