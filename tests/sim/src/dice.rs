//! Chance without a stream: every draw is a function of the seed and of what it is for, so that one draw more or less
//! moves no other.

/// A number that depends on everything that is given, and on nothing else.
pub fn draw(seed: u64, what: &str, n: u64) -> u64 {
    let named = what
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    mix(mix(seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_add(mix(named)).wrapping_add(mix(n.wrapping_add(1))))
}

/// A number below `bound`.
pub fn below(seed: u64, what: &str, n: u64, bound: u64) -> u64 {
    draw(seed, what, n) % bound.max(1)
}

// SplitMix64's finaliser: https://prng.di.unimi.it/splitmix64.c
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
