// Stand-ins for the parts of CoreGraphics that docs/mobile uses: opaque RGBA pictures.

import Foundation

public enum CGImageAlphaInfo: UInt32 { case noneSkipLast = 5 }

public final class CGColorSpace {
    public static let sRGB = "sRGB"
    public init?(name: String) { precondition(name == CGColorSpace.sRGB) }
}

public final class CGImage {
    public let width: Int
    public let height: Int
    public let bytes: [UInt8]

    public init(width: Int, height: Int, bytes: [UInt8]) {
        precondition(bytes.count == 4 * width * height)
        (self.width, self.height, self.bytes) = (width, height, bytes)
    }
}

public final class CGContext {
    public let data: UnsafeMutableRawPointer?
    private let width: Int
    private let height: Int

    public init?(
        data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int,
        bytesPerRow: Int, space: CGColorSpace, bitmapInfo: UInt32
    ) {
        precondition(data == nil && bitsPerComponent == 8 && bytesPerRow == 4 * width)
        precondition(bitmapInfo == CGImageAlphaInfo.noneSkipLast.rawValue)
        self.data = UnsafeMutableRawPointer.allocate(byteCount: 4 * width * height, alignment: 16)
        (self.width, self.height) = (width, height)
    }

    deinit { data?.deallocate() }

    public func draw(_ image: CGImage, in rectangle: CGRect) {
        precondition(image.width == width && image.height == height)
        precondition(rectangle == CGRect(x: 0, y: 0, width: width, height: height))
        data!.copyMemory(from: image.bytes, byteCount: image.bytes.count)
    }

    public func makeImage() -> CGImage? {
        let bytes = UnsafeRawBufferPointer(start: data, count: 4 * width * height)
        return CGImage(width: width, height: height, bytes: Array(bytes))
    }
}
