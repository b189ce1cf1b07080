import CoreGraphics
import Foundation
import TensorFlowLite

private let radius = 2  // of the guided filter, in pixels of the network
private let flat: Float = 4  // variance of L* below which an area does not guide
private let steepest: Float = 1.5  // largest change of chroma per unit of L*
private let tolerance: Float = 1e-4  // linear light outside 0..1 that still counts as in gamut

/// Colors photographs with a `.tflite` file.
final class LandscapeColorizer {
    private let predictAB: SignatureRunner
    private let size: Int

    init(modelPath: String) throws {
        predictAB = try Interpreter(modelPath: modelPath).signatureRunner(with: "predict_ab")
        size = try predictAB.input(named: "lightness").shape.dimensions[1]
    }

    /// Takes an upright, opaque image of any size; returns one of that size.
    func colorize(_ photo: CGImage) throws -> CGImage {
        let scale = Double(size) / Double(max(photo.width, photo.height))
        let width = max(1, Int((Double(photo.width) * scale).rounded(.toNearestOrEven)))
        let height = max(1, Int((Double(photo.height) * scale).rounded(.toNearestOrEven)))
        let context = CGContext(
            data: nil, width: photo.width, height: photo.height, bitsPerComponent: 8,
            bytesPerRow: 4 * photo.width, space: CGColorSpace(name: CGColorSpace.sRGB)!,
            bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)!
        context.draw(photo, in: CGRect(x: 0, y: 0, width: photo.width, height: photo.height))
        let pixels = context.data!.assumingMemoryBound(to: UInt8.self)
        let rgb = Rows(width: photo.width, height: photo.height, channels: 3) { y in
            (0..<3 * photo.width).map { Float(pixels[4 * (y * photo.width + $0 / 3) + $0 % 3]) }
        }
        let small = rgb.resized(width, height)
        let lightness = (0..<width * height).map { lightnessOf(small, 3 * $0) }
        let ab = try predict(lightness, width, height)
        let lines: Rows
        if photo.width > width || photo.height > height {
            lines = Rows(width, height, 4, guidedLines(ab, lightness, width, height))
        } else {
            let resized = Rows(width, height, 2, ab).resized(photo.width, photo.height)
            lines = Rows(photo.width, photo.height, 4, flatLines(resized))
        }

        for y in 0..<photo.height {
            let line = lines.enlargedRow(y, photo.width, photo.height)
            let row = rgb.row(y)
            for x in 0..<photo.width {
                let l = lightnessOf(row, 3 * x)
                let a = line[4 * x] * l + line[4 * x + 2]
                let b = line[4 * x + 1] * l + line[4 * x + 3]
                let (red, green, blue) = toSRGB(l, a, b)
                let at = 4 * (y * photo.width + x)
                (pixels[at], pixels[at + 1], pixels[at + 2]) = (red, green, blue)
            }
        }
        return context.makeImage()!
    }

    /// Predicts a and b of a small picture, which the network sees in the middle of its square.
    private func predict(_ lightness: [Float], _ width: Int, _ height: Int) throws -> [Float] {
        let left = (size - width) / 2, top = (size - height) / 2
        let square = (0..<size * size).map { i -> Float in  // the rest is the picture's mirror image
            let y = mirror(i / size - top, height), x = mirror(i % size - left, width)
            return lightness[y * width + x] / 50 - 1
        }
        try predictAB.invoke(with: ["lightness": square.withUnsafeBufferPointer { Data(buffer: $0) }])
        let ab: [Float] = try predictAB.output(named: "ab").data.withUnsafeBytes {
            Array($0.bindMemory(to: Float.self))
        }
        return (0..<2 * width * height).map { i -> Float in
            let row = top + i / 2 / width, column = left + i / 2 % width
            return 110 * ab[2 * (row * size + column) + i % 2]
        }
    }
}

/// Fits a and b as lines over L* around each pixel (guided filter, He and Sun 2015): 2 slopes, 2 offsets.
private func guidedLines(_ ab: [Float], _ lightness: [Float], _ width: Int, _ height: Int) -> [Float] {
    func box(_ value: (Int) -> Float) -> [Float] {
        (0..<width * height).map { i in
            var sum: Float = 0
            for dy in -radius...radius {
                for dx in -radius...radius {
                    sum += value(reflect(i / width + dy, height) * width + reflect(i % width + dx, width))
                }
            }
            return sum / Float((2 * radius + 1) * (2 * radius + 1))
        }
    }
    var lines = [Float](repeating: 0, count: 4 * width * height)
    let mean = box { lightness[$0] }
    let meanSquare = box { lightness[$0] * lightness[$0] }
    for c in 0...1 {
        let chromaMean = box { ab[2 * $0 + c] }
        let meanProduct = box { ab[2 * $0 + c] * lightness[$0] }
        let slopes = box { i in
            let variance = max(meanSquare[i] - mean[i] * mean[i], 0)
            let covariance = meanProduct[i] - chromaMean[i] * mean[i]
            return min(max(covariance / (variance + flat), -steepest), steepest)
        }
        for i in 0..<width * height {
            lines[4 * i + c] = slopes[i]
            lines[4 * i + 2 + c] = ab[2 * i + c] - slopes[i] * lightness[i]
        }
    }
    return lines
}

private func flatLines(_ ab: [Float]) -> [Float] {
    (0..<2 * ab.count).map { $0 % 4 < 2 ? 0 : ab[$0 / 4 * 2 + $0 % 4 - 2] }
}

/// A picture as rows of interleaved channels.
private struct Rows {
    let width: Int
    let height: Int
    let channels: Int
    let row: (Int) -> [Float]

    init(width: Int, height: Int, channels: Int, row: @escaping (Int) -> [Float]) {
        (self.width, self.height, self.channels, self.row) = (width, height, channels, row)
    }

    init(_ width: Int, _ height: Int, _ channels: Int, _ values: [Float]) {
        let length = width * channels
        self.init(width: width, height: height, channels: channels) { y in
            Array(values[y * length..<(y + 1) * length])
        }
    }

    /// Averages areas when reducing, interpolates linearly when enlarging.
    func resized(_ toWidth: Int, _ toHeight: Int) -> [Float] {
        let enlarge = toWidth * toHeight >= width * height
        return (0..<toHeight).flatMap { y in
            enlarge ? enlargedRow(y, toWidth, toHeight) : averagedRow(y, toWidth, toHeight)
        }
    }

    func enlargedRow(_ y: Int, _ toWidth: Int, _ toHeight: Int) -> [Float] {
        let v = position(y, height, toHeight)
        let above = row(Int(v)), below = row(min(Int(v) + 1, height - 1))
        return (0..<toWidth * channels).map { i in
            let u = position(i / channels, width, toWidth)
            let left = Int(u) * channels + i % channels
            let right = min(Int(u) + 1, width - 1) * channels + i % channels
            let share = u - Float(Int(u))
            return mix(
                mix(above[left], above[right], share), mix(below[left], below[right], share),
                v - Float(Int(v)))
        }
    }

    private func averagedRow(_ y: Int, _ toWidth: Int, _ toHeight: Int) -> [Float] {
        var result = [Float](repeating: 0, count: toWidth * channels)
        for (fromY, weightY) in overlaps(y, height, toHeight) {
            let source = row(fromY)
            for x in 0..<toWidth {
                for (fromX, weightX) in overlaps(x, width, toWidth) {
                    for c in 0..<channels {
                        result[x * channels + c] += weightY * weightX * source[fromX * channels + c]
                    }
                }
            }
        }
        return result
    }
}

/// The pixels of `length` that pixel `i` of `target` covers, with weights that add up to 1.
private func overlaps(_ i: Int, _ length: Int, _ target: Int) -> [(Int, Float)] {
    let step = Double(length) / Double(target)
    let start = Double(i) * step, end = Double(i + 1) * step
    return (Int(start)..<min(Int((end - 1e-6).rounded(.up)), length)).map { j in
        (j, Float((min(end, Double(j + 1)) - max(start, Double(j))) / step))
    }
}

private func position(_ i: Int, _ length: Int, _ target: Int) -> Float {
    min(max((Float(i) + 0.5) * Float(length) / Float(target) - 0.5, 0), Float(length - 1))
}

private func mix(_ p: Float, _ q: Float, _ share: Float) -> Float { p + (q - p) * share }

/// Mirrors an index at the edge pixels (the edge occurs once).
private func mirror(_ i: Int, _ length: Int) -> Int {
    let period = max(1, 2 * (length - 1))
    let j = (i % period + period) % period
    return j < length ? j : period - j
}

/// Mirrors an index at the border (the edge occurs twice).
private func reflect(_ i: Int, _ length: Int) -> Int {
    let j = (i % (2 * length) + 2 * length) % (2 * length)
    return j < length ? j : 2 * length - 1 - j
}

private let linearLight: [Float] = (0..<256).map {
    let v = Float($0) / 255
    return v > 0.04045 ? powf((v + 0.055) / 1.055, 2.4) : v / 12.92
}

/// L* (0..100) of the sRGB pixel at an offset.
private func lightnessOf(_ rgb: [Float], _ at: Int) -> Float {
    func linear(_ c: Int) -> Float { linearLight[Int(rgb[at + c].rounded())] }
    let y = 0.212671 * linear(0) + 0.715160 * linear(1) + 0.072169 * linear(2)
    return 116 * (y > 0.008856 ? cbrtf(y) : 7.787 * y + 16 / 116) - 16
}

/// Converts CIE Lab to sRGB; lowers the chroma by bisection where it is out of gamut.
private func toSRGB(_ l: Float, _ a: Float, _ b: Float) -> (UInt8, UInt8, UInt8) {
    var linear = toLinear(l, a, b)
    if !inGamut(linear) {
        var factor: Float = 0
        for n in 1...10 {
            let tried = factor + powf(0.5, Float(n))
            if inGamut(toLinear(l, tried * a, tried * b)) { factor = tried }
        }
        linear = toLinear(l, factor * a, factor * b)
    }
    return (level(linear.0), level(linear.1), level(linear.2))
}

private func toLinear(_ l: Float, _ a: Float, _ b: Float) -> (Float, Float, Float) {
    let f = (l + 16) / 116
    let x = fromF(f + a / 500), y = fromF(f), z = fromF(f - b / 200)
    return (
        3.07998 * x - 1.53715 * y - 0.54282 * z,
        -0.92125 * x + 1.87599 * y + 0.04525 * z,
        0.05289 * x - 0.20404 * y + 1.15123 * z
    )
}

private func fromF(_ t: Float) -> Float { t > 0.2068966 ? t * t * t : (t - 16 / 116) / 7.787 }

private func inGamut(_ linear: (Float, Float, Float)) -> Bool {
    let least = min(linear.0, linear.1, linear.2), most = max(linear.0, linear.1, linear.2)
    return least > -tolerance && most < 1 + tolerance
}

private func level(_ linear: Float) -> UInt8 {
    let v = min(max(linear, 0), 1)
    return UInt8((255 * (v > 0.0031308 ? 1.055 * powf(v, 1 / 2.4) - 0.055 : 12.92 * v)).rounded())
}
