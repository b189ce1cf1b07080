// Stand-ins for TensorFlowLiteSwift: the test computes ab from lightness, over standard output and
// input. The path of the model is its size.

import Foundation

/// Reads `count` big-endian values; nil at the end of standard input.
public func readWords(_ count: Int) -> [UInt32]? {
    var bytes = Data()
    while bytes.count < 4 * count {
        let more = FileHandle.standardInput.readData(ofLength: 4 * count - bytes.count)
        if more.isEmpty { return nil }
        bytes += more
    }
    return bytes.withUnsafeBytes { $0.bindMemory(to: UInt32.self).map(UInt32.init(bigEndian:)) }
}

public func writeWords(_ words: [UInt32]) {
    let bytes = words.map(\.bigEndian).withUnsafeBufferPointer { Data(buffer: $0) }
    FileHandle.standardOutput.write(bytes)
}

public struct Shape { public let dimensions: [Int] }

public struct Tensor {
    public let shape: Shape
    public let data: Data
}

public final class Interpreter {
    private let size: Int

    public init(modelPath: String) throws { size = Int(modelPath)! }

    public func signatureRunner(with key: String) throws -> SignatureRunner {
        precondition(key == "predict_ab")
        return SignatureRunner(size)
    }
}

public final class SignatureRunner {
    private let size: Int
    private var ab = Data()

    init(_ size: Int) { self.size = size }

    public func input(named name: String) throws -> Tensor {
        precondition(name == "lightness")
        return Tensor(shape: Shape(dimensions: [1, size, size, 1]), data: Data())
    }

    public func invoke(with inputs: [String: Data]) throws {
        let lightness = inputs["lightness"]!
        precondition(lightness.count == 4 * size * size)
        writeWords(lightness.withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) })
        ab = readWords(2 * size * size)!.withUnsafeBufferPointer { Data(buffer: $0) }
    }

    public func output(named name: String) throws -> Tensor {
        precondition(name == "ab")
        return Tensor(shape: Shape(dimensions: [1, size, size, 2]), data: ab)
    }
}
