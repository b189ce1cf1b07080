import CoreGraphics
import Foundation
import TensorFlowLite

/// Colors photographs with a `.tflite` file.
final class LandscapeColorizer {
    private let predictAB: SignatureRunner
    private let size: Int
    private let linear: [Float] = (0..<256).map {
        let v = Float($0) / 255
        return v > 0.04045 ? powf((v + 0.055) / 1.055, 2.4) : v / 12.92
    }

    init(modelPath: String) throws {
        predictAB = try Interpreter(modelPath: modelPath).signatureRunner(with: "predict_ab")
        size = try predictAB.input(named: "lightness").shape.dimensions[1]
    }

    /// Takes an upright image of any size; gives one of that size.
    func colorize(_ photo: CGImage) throws -> CGImage {
        let scale = Float(size) / Float(max(photo.width, photo.height))
        let width = max(1, Int((Float(photo.width) * scale).rounded()))
        let height = max(1, Int((Float(photo.height) * scale).rounded()))
        let left = (size - width) / 2, top = (size - height) / 2
        let small = draw(photo, width: width, height: height)
        let lightness: [Float] = (0..<size * size).map { i in  // L / 50 - 1
            let y = mirror(i / size - top, height), x = mirror(i % size - left, width)
            return 2.32 * root(bytes(of: small), 4 * (y * width + x)) - 1.32
        }
        try predictAB.invoke(with: ["lightness": lightness.withUnsafeBufferPointer { Data(buffer: $0) }])
        let ab: [Float] = try predictAB.output(named: "ab").data.withUnsafeBytes {
            Array($0.bindMemory(to: Float.self))
        }

        let colorized = draw(photo, width: photo.width, height: photo.height)
        let pixels = bytes(of: colorized)
        for y in 0..<photo.height {
            let v = position(y, height, photo.height)
            for x in 0..<photo.width {
                let u = position(x, width, photo.width)
                let corner = (top + Int(v)) * size + left + Int(u)
                let right = Int(u) < width - 1 ? 1 : 0
                let lower = Int(v) < height - 1 ? corner + size : corner
                func chroma(_ c: Int) -> Float {  // bilinear
                    let above = mix(ab[2 * corner + c], ab[2 * (corner + right) + c], u - Float(Int(u)))
                    let below = mix(ab[2 * lower + c], ab[2 * (lower + right) + c], u - Float(Int(u)))
                    return mix(above, below, v - Float(Int(v)))
                }
                paint(pixels, 4 * (y * photo.width + x), a: chroma(0), b: chroma(1))
            }
        }
        return colorized.makeImage()!
    }

    private func draw(_ image: CGImage, width: Int, height: Int) -> CGContext {
        let context = CGContext(
            data: nil, width: width, height: height, bitsPerComponent: 8, bytesPerRow: 4 * width,
            space: CGColorSpace(name: CGColorSpace.sRGB)!,
            bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)!
        context.interpolationQuality = .high
        context.draw(image, in: CGRect(x: 0, y: 0, width: width, height: height))
        return context
    }

    private func bytes(of context: CGContext) -> UnsafeMutablePointer<UInt8> {
        context.data!.assumingMemoryBound(to: UInt8.self)
    }

    /// (L + 16) / 116 of a pixel.
    private func root(_ pixels: UnsafeMutablePointer<UInt8>, _ at: Int) -> Float {
        let y = 0.212671 * linear[Int(pixels[at])] + 0.715160 * linear[Int(pixels[at + 1])]
            + 0.072169 * linear[Int(pixels[at + 2])]
        return y > 0.008856 ? cbrtf(y) : 7.787 * y + 16 / 116
    }

    private func paint(_ pixels: UnsafeMutablePointer<UInt8>, _ at: Int, a: Float, b: Float) {
        let t = root(pixels, at)
        let x = cube(t + 0.22 * a), y = cube(t), z = cube(max(t - 0.55 * b, 0))  // a / 500, b / 200 in Lab
        pixels[at] = level(3.07998 * x - 1.53715 * y - 0.54282 * z)
        pixels[at + 1] = level(-0.92125 * x + 1.87599 * y + 0.04525 * z)
        pixels[at + 2] = level(0.05289 * x - 0.20404 * y + 1.15123 * z)
    }

    private func level(_ linear: Float) -> UInt8 {
        let v = min(max(linear, 0), 1)
        return UInt8((255 * (v > 0.0031308 ? 1.055 * powf(v, 1 / 2.4) - 0.055 : 12.92 * v)).rounded())
    }

    private func cube(_ t: Float) -> Float { t > 0.2068966 ? t * t * t : (t - 16 / 116) / 7.787 }

    private func mix(_ p: Float, _ q: Float, _ share: Float) -> Float { p + (q - p) * share }

    private func position(_ i: Int, _ short: Int, _ long: Int) -> Float {
        min(max((Float(i) + 0.5) * Float(short) / Float(long) - 0.5, 0), Float(short - 1))
    }

    private func mirror(_ i: Int, _ length: Int) -> Int {
        let period = max(1, 2 * (length - 1))
        let position = (i % period + period) % period
        return position < length ? position : 2 * (length - 1) - position
    }
}
