//! Makes small pictures of big ones.

mod picture;

use base64::prelude::{Engine, BASE64_STANDARD};
use omnicore::{config, Context, Result};
use picture::{Fit, Picture};

const SIZE: u32 = 128;

/// Bytes in a JSON value.
#[omnicore::data]
struct Encoded {
    base64: String,
}

#[omnicore::data]
#[serde(deny_unknown_fields)]
struct Resize {
    /// A PNG or JPEG.
    image: Encoded,
    #[schemars(range(min = 1, max = 2048))]
    width: u32,
    #[schemars(range(min = 1, max = 2048))]
    height: u32,
    /// `contain` when left out.
    #[serde(default)]
    fit: Fit,
}

#[omnicore::data]
struct Resized {
    width: u32,
    height: u32,
    png: Encoded,
}

#[omnicore::data]
struct Facts {
    /// `png` or `jpeg`.
    format: String,
    /// As it is shown: a camera's note to turn the picture is followed.
    width: u32,
    height: u32,
}

/// A PNG or JPEG as a PNG whose longer side has at most as many pixels as the setting `size` says.
#[omnicore::function]
fn thumbnail(image: Vec<u8>) -> Result<Vec<u8>> {
    let size = config::get("size")?.unwrap_or(SIZE);
    Picture::read(&image)?.resized(size, size, Fit::Contain).png()
}

/// A PNG or JPEG in another size, as a PNG. It never gets bigger than it was.
#[omnicore::function]
fn resize(request: Resize) -> Result<Resized> {
    let image = BASE64_STANDARD.decode(&request.image.base64).context("the image is no base64")?;
    let made = Picture::read(&image)?.resized(request.width, request.height, request.fit);
    let png = Encoded { base64: BASE64_STANDARD.encode(made.png()?) };
    Ok(Resized { width: made.width(), height: made.height(), png })
}

/// What a picture is, read from its head alone.
#[omnicore::function]
fn facts(image: &[u8]) -> Result<Facts> {
    let (format, width, height) = picture::facts(image)?;
    Ok(Facts { format, width, height })
}
