package org.tensorflow.lite

import java.io.DataInputStream
import java.io.DataOutputStream
import java.nio.FloatBuffer

val input = DataInputStream(System.`in`.buffered())
val output = DataOutputStream(System.out.buffered())

class Tensor(private val shape: IntArray) {
    fun shape() = shape
}

/** A stand-in for LiteRT's: the test computes ab from lightness, over standard output and input. */
class Interpreter(private val size: Int) {
    fun getInputTensorFromSignature(input: String, signature: String): Tensor {
        check(input == "lightness" && signature == "predict_ab")
        return Tensor(intArrayOf(1, size, size, 1))
    }

    fun runSignature(inputs: Map<String, Any>, outputs: Map<String, Any>, signature: String) {
        check(signature == "predict_ab")
        val lightness = inputs.getValue("lightness") as FloatBuffer
        val ab = outputs.getValue("ab") as FloatBuffer
        check(lightness.capacity() == size * size && ab.capacity() == 2 * size * size)
        for (i in 0 until size * size) output.writeFloat(lightness[i])
        output.flush()
        for (i in 0 until 2 * size * size) ab.put(i, input.readFloat())
    }
}
