import CoreGraphics
import TensorFlowLite

// Colors the pictures (ARGB) that the test sends until its end of file.
let colorizer = try LandscapeColorizer(modelPath: CommandLine.arguments[1])
while let shape = readWords(2) {
    let (width, height) = (Int(shape[0]), Int(shape[1]))
    let pixels = readWords(width * height)!
    let bytes = pixels.flatMap { [UInt8($0 >> 16 & 255), UInt8($0 >> 8 & 255), UInt8($0 & 255), 255] }
    let colorized = try colorizer.colorize(CGImage(width: width, height: height, bytes: bytes)).bytes
    writeWords((0..<width * height).map { i in
        UInt32(colorized[4 * i]) << 16 | UInt32(colorized[4 * i + 1]) << 8 | UInt32(colorized[4 * i + 2])
    })
}
