//! Pictures from strangers: what they claim is checked before anything is unpacked.

use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use omnicore::{anyhow, bail, ensure, Context, Error, Result};

const MOST_SIDE: u32 = 12_000;
const MOST_PIXELS: u64 = 16_000_000;
const MOST_BYTES: u64 = 64 << 20; // of an unpacked picture; the manifest allows four times that, for copies on the way

const TOO_BIG: &str = "the picture is too big; at most 16 million pixels are taken, 12000 on a side";

/// How a picture meets the size that is asked for.
#[omnicore::data]
#[derive(Clone, Copy, Default)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// All of it is there, within the size.
    #[default]
    Contain,
    /// It fills the size, and what is over is cut off evenly.
    Cover,
}

pub struct Picture(DynamicImage);

impl Picture {
    pub fn read(bytes: &[u8]) -> Result<Picture> {
        let (_, mut decoder) = opened(bytes)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut image = DynamicImage::from_decoder(decoder).map_err(told)?;
        image.apply_orientation(orientation);
        Ok(Picture(image))
    }

    pub fn resized(self, width: u32, height: u32, fit: Fit) -> Picture {
        let (own_width, own_height) = (self.width(), self.height());
        let (across, down) = (f64::from(width) / f64::from(own_width), f64::from(height) / f64::from(own_height));
        let scale = match fit {
            Fit::Contain => across.min(down),
            Fit::Cover => across.max(down),
        };
        let shrunk = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
        let image = if scale < 1.0 { self.0.thumbnail_exact(shrunk(own_width), shrunk(own_height)) } else { self.0 };
        let (cut_width, cut_height) = (width.min(image.width()), height.min(image.height()));
        let (left, top) = ((image.width() - cut_width) / 2, (image.height() - cut_height) / 2);
        Picture(image.crop_imm(left, top, cut_width, cut_height))
    }

    pub fn png(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut out, CompressionType::Default, FilterType::Adaptive);
        self.0.write_with_encoder(encoder).context("the picture cannot be written")?;
        Ok(out)
    }

    pub fn width(&self) -> u32 {
        self.0.width()
    }

    pub fn height(&self) -> u32 {
        self.0.height()
    }
}

/// Format, width and height as shown.
pub fn facts(bytes: &[u8]) -> Result<(String, u32, u32)> {
    let (format, mut decoder) = opened(bytes)?;
    let (width, height) = decoder.dimensions();
    let on_its_side = matches!(
        decoder.orientation().unwrap_or(Orientation::NoTransforms),
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    let name = if format == ImageFormat::Png { "png" } else { "jpeg" };
    Ok(if on_its_side { (name.into(), height, width) } else { (name.into(), width, height) })
}

fn opened(bytes: &[u8]) -> Result<(ImageFormat, impl ImageDecoder + '_)> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let format = match reader.format() {
        Some(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => format,
        _ => bail!("this is no PNG and no JPEG"),
    };
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(told)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    ensure!(pixels > 0, "the picture is empty");
    let big = width > MOST_SIDE || height > MOST_SIDE || pixels > MOST_PIXELS || decoder.total_bytes() > MOST_BYTES;
    ensure!(!big, "{width} x {height} pixels: {TOO_BIG}");
    Ok((format, decoder))
}

fn told(error: ImageError) -> Error {
    match error {
        ImageError::Limits(_) => anyhow!(TOO_BIG),
        other => anyhow!("the picture is damaged: {}", other.to_string().trim_end()),
    }
}
