package android.graphics

/** A stand-in for Android's. */
class Bitmap(val width: Int, val height: Int, private val pixels: IntArray) {
    enum class Config { ARGB_8888 }

    fun copy(config: Config, mutable: Boolean): Bitmap {
        check(config == Config.ARGB_8888 && mutable)
        return Bitmap(width, height, pixels.copyOf())
    }

    fun getPixels(to: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int) {
        for (row in 0 until height)
            pixels.copyInto(to, offset + row * stride, (y + row) * this.width + x, (y + row) * this.width + x + width)
    }

    fun setPixels(from: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int) {
        for (row in 0 until height)
            from.copyInto(pixels, (y + row) * this.width + x, offset + row * stride, offset + row * stride + width)
    }
}
