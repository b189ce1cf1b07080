import android.graphics.Bitmap
import java.nio.FloatBuffer
import kotlin.math.*
import org.tensorflow.lite.Interpreter

/** Colors photographs with a `.tflite` file, as in `LandscapeColorizer(Interpreter(File(path)))`. */
class LandscapeColorizer(private val interpreter: Interpreter) {
    private val size = interpreter.getInputTensorFromSignature("lightness", "predict_ab").shape()[1]
    private val linear = FloatArray(256) {
        val v = it / 255f
        if (v > 0.04045f) ((v + 0.055f) / 1.055f).pow(2.4f) else v / 12.92f
    }

    /** Takes a bitmap in software memory (not Config.HARDWARE) of any size; gives one of that size. */
    fun colorize(photo: Bitmap): Bitmap {
        val scale = size.toFloat() / max(photo.width, photo.height)
        val width = max(1, (photo.width * scale).roundToInt())
        val height = max(1, (photo.height * scale).roundToInt())
        val left = (size - width) / 2
        val top = (size - height) / 2
        var small = photo
        while (small.width >= 2 * width && small.height >= 2 * height) // bilinear alone would alias
            small = Bitmap.createScaledBitmap(small, small.width / 2, small.height / 2, true)
        small = Bitmap.createScaledBitmap(small, width, height, true)
        val pixels = IntArray(width * height)
        small.getPixels(pixels, 0, width, 0, 0, width, height)
        val lightness = FloatArray(size * size) { i -> // L / 50 - 1
            val y = mirror(i / size - top, height)
            2.32f * root(pixels[y * width + mirror(i % size - left, width)]) - 1.32f
        }
        val ab = FloatBuffer.allocate(2 * size * size)
        val inputs = mapOf("lightness" to FloatBuffer.wrap(lightness))
        interpreter.runSignature(inputs, mapOf("ab" to ab), "predict_ab")

        val colorized = photo.copy(Bitmap.Config.ARGB_8888, true)
        val row = IntArray(photo.width)
        for (y in 0 until photo.height) {
            val v = position(y, height, photo.height)
            colorized.getPixels(row, 0, row.size, 0, y, row.size, 1)
            for (x in row.indices) {
                val u = position(x, width, photo.width)
                val corner = (top + v.toInt()) * size + left + u.toInt()
                val right = if (u < width - 1) 1 else 0
                val lower = if (v < height - 1) corner + size else corner
                fun chroma(c: Int): Float { // bilinear
                    val above = mix(ab[2 * corner + c], ab[2 * (corner + right) + c], u % 1)
                    val below = mix(ab[2 * lower + c], ab[2 * (lower + right) + c], u % 1)
                    return mix(above, below, v % 1)
                }
                row[x] = toPixel(root(row[x]), chroma(0), chroma(1))
            }
            colorized.setPixels(row, 0, row.size, 0, y, row.size, 1)
        }
        return colorized
    }

    /** (L + 16) / 116 of a pixel. */
    private fun root(pixel: Int): Float {
        val y = 0.212671f * linear[pixel shr 16 and 255] + 0.715160f * linear[pixel shr 8 and 255] +
            0.072169f * linear[pixel and 255]
        return if (y > 0.008856f) cbrt(y) else 7.787f * y + 16 / 116f
    }

    private fun toPixel(root: Float, a: Float, b: Float): Int {
        val x = cube(root + 0.22f * a) // a / 500 and b / 200 in Lab
        val y = cube(root)
        val z = cube(max(root - 0.55f * b, 0f))
        val red = level(3.07998f * x - 1.53715f * y - 0.54282f * z)
        val green = level(-0.92125f * x + 1.87599f * y + 0.04525f * z)
        val blue = level(0.05289f * x - 0.20404f * y + 1.15123f * z)
        return (255 shl 24) or (red shl 16) or (green shl 8) or blue
    }

    private fun level(linear: Float): Int {
        val v = linear.coerceIn(0f, 1f)
        return (255 * if (v > 0.0031308f) 1.055f * v.pow(1 / 2.4f) - 0.055f else 12.92f * v).roundToInt()
    }

    private fun cube(t: Float) = if (t > 0.2068966f) t * t * t else (t - 16 / 116f) / 7.787f

    private fun mix(p: Float, q: Float, share: Float) = p + (q - p) * share

    private fun position(i: Int, short: Int, long: Int) =
        ((i + 0.5f) * short / long - 0.5f).coerceIn(0f, short - 1f)

    private fun mirror(i: Int, length: Int): Int {
        val position = i.mod(max(1, 2 * (length - 1)))
        return if (position < length) position else 2 * (length - 1) - position
    }
}
