import android.graphics.Bitmap
import java.nio.FloatBuffer
import kotlin.math.*
import org.tensorflow.lite.Interpreter

private const val RADIUS = 2 // of the guided filter, in pixels of the network
private const val FLAT = 4f // variance of L* below which an area does not guide
private const val STEEPEST = 1.5f // largest change of chroma per unit of L*
private const val TOLERANCE = 1e-4f // linear light outside 0..1 that still counts as in gamut

/** Colors photographs with a `.tflite` file: `LandscapeColorizer(Interpreter(File(path)))`. */
class LandscapeColorizer(private val interpreter: Interpreter) {
    private val size = interpreter.getInputTensorFromSignature("lightness", "predict_ab").shape()[1]

    /** Takes an upright bitmap of any size, not of Config.HARDWARE; returns one of that size. */
    fun colorize(photo: Bitmap): Bitmap {
        val scale = size.toDouble() / max(photo.width, photo.height)
        val width = max(1, round(photo.width * scale).toInt())
        val height = max(1, round(photo.height * scale).toInt())
        val pixels = IntArray(photo.width)
        val rgb = Rows(photo.width, photo.height) { y ->
            photo.getPixels(pixels, 0, pixels.size, 0, y, pixels.size, 1)
            FloatArray(3 * pixels.size) { (pixels[it / 3] shr 16 - it % 3 * 8 and 255).toFloat() }
        }
        val small = rgb.resized(width, height)
        val lightness = FloatArray(width * height) { lightnessOf(small, 3 * it) }
        val ab = predict(lightness, width, height)
        val lines = if (photo.width > width || photo.height > height)
            Rows(width, height, guidedLines(ab, lightness, width, height))
        else
            Rows(photo.width, photo.height, flatLines(Rows(width, height, ab).resized(photo.width, photo.height)))

        val colorized = photo.copy(Bitmap.Config.ARGB_8888, true)
        for (y in 0 until photo.height) {
            val line = lines.enlargedRow(y, photo.width, photo.height)
            val row = rgb.row(y)
            for (x in pixels.indices) {
                val l = lightnessOf(row, 3 * x)
                val a = line[4 * x] * l + line[4 * x + 2]
                val b = line[4 * x + 1] * l + line[4 * x + 3]
                pixels[x] = pixels[x] and (255 shl 24) or toSrgb(l, a, b)
            }
            colorized.setPixels(pixels, 0, pixels.size, 0, y, pixels.size, 1)
        }
        return colorized
    }

    /** Predicts a and b of a small picture, which the network sees in the middle of its square. */
    private fun predict(lightness: FloatArray, width: Int, height: Int): FloatArray {
        val left = (size - width) / 2
        val top = (size - height) / 2
        val square = FloatArray(size * size) { i -> // the rest is the picture's mirror image
            lightness[mirror(i / size - top, height) * width + mirror(i % size - left, width)] / 50 - 1
        }
        val ab = FloatBuffer.allocate(2 * size * size)
        interpreter.runSignature(
            mapOf("lightness" to FloatBuffer.wrap(square)), mapOf("ab" to ab), "predict_ab",
        )
        return FloatArray(2 * width * height) { i ->
            110 * ab[2 * ((top + i / 2 / width) * size + left + i / 2 % width) + i % 2]
        }
    }
}

/** Fits a and b as lines over L* around each pixel (guided filter, He and Sun 2015): 2 slopes, 2 offsets. */
private fun guidedLines(ab: FloatArray, lightness: FloatArray, width: Int, height: Int): FloatArray {
    fun box(value: (Int) -> Float) = FloatArray(width * height) { i ->
        var sum = 0f
        for (dy in -RADIUS..RADIUS) for (dx in -RADIUS..RADIUS)
            sum += value(reflect(i / width + dy, height) * width + reflect(i % width + dx, width))
        sum / ((2 * RADIUS + 1) * (2 * RADIUS + 1))
    }
    val lines = FloatArray(4 * width * height)
    val mean = box { lightness[it] }
    val meanSquare = box { lightness[it] * lightness[it] }
    for (c in 0..1) {
        val chromaMean = box { ab[2 * it + c] }
        val meanProduct = box { ab[2 * it + c] * lightness[it] }
        val slopes = box {
            val variance = max(meanSquare[it] - mean[it] * mean[it], 0f)
            val covariance = meanProduct[it] - chromaMean[it] * mean[it]
            (covariance / (variance + FLAT)).coerceIn(-STEEPEST, STEEPEST)
        }
        for (i in slopes.indices) {
            lines[4 * i + c] = slopes[i]
            lines[4 * i + 2 + c] = ab[2 * i + c] - slopes[i] * lightness[i]
        }
    }
    return lines
}

private fun flatLines(ab: FloatArray) =
    FloatArray(2 * ab.size) { if (it % 4 < 2) 0f else ab[it / 4 * 2 + it % 4 - 2] }

/** A picture as rows of interleaved channels. */
private class Rows(val width: Int, val height: Int, val row: (Int) -> FloatArray) {
    private val channels = row(0).size / width

    constructor(width: Int, height: Int, values: FloatArray) : this(width, height, { y ->
        values.copyOfRange(y * values.size / height, (y + 1) * values.size / height)
    })

    /** Averages areas when reducing, interpolates linearly when enlarging. */
    fun resized(toWidth: Int, toHeight: Int): FloatArray {
        val enlarge = toWidth.toLong() * toHeight >= width.toLong() * height
        val values = FloatArray(toWidth * toHeight * channels)
        for (y in 0 until toHeight) {
            val row = if (enlarge) enlargedRow(y, toWidth, toHeight) else averagedRow(y, toWidth, toHeight)
            row.copyInto(values, y * row.size)
        }
        return values
    }

    fun enlargedRow(y: Int, toWidth: Int, toHeight: Int): FloatArray {
        val v = position(y, height, toHeight)
        val above = row(v.toInt())
        val below = row(min(v.toInt() + 1, height - 1))
        return FloatArray(toWidth * channels) { i ->
            val u = position(i / channels, width, toWidth)
            val left = u.toInt() * channels + i % channels
            val right = min(u.toInt() + 1, width - 1) * channels + i % channels
            mix(mix(above[left], above[right], u % 1), mix(below[left], below[right], u % 1), v % 1)
        }
    }

    private fun averagedRow(y: Int, toWidth: Int, toHeight: Int): FloatArray {
        val result = FloatArray(toWidth * channels)
        overlaps(y, height, toHeight) { fromY, weightY ->
            val source = row(fromY)
            for (x in 0 until toWidth) overlaps(x, width, toWidth) { fromX, weightX ->
                for (c in 0 until channels)
                    result[x * channels + c] += weightY * weightX * source[fromX * channels + c]
            }
        }
        return result
    }
}

/** The pixels of `length` that pixel `i` of `target` covers, with weights that add up to 1. */
private inline fun overlaps(i: Int, length: Int, target: Int, use: (Int, Float) -> Unit) {
    val step = length.toDouble() / target
    val end = (i + 1) * step
    for (j in (i * step).toInt() until min(ceil(end - 1e-6).toInt(), length))
        use(j, ((min(end, j + 1.0) - max(i * step, j.toDouble())) / step).toFloat())
}

private fun position(i: Int, length: Int, target: Int) =
    ((i + 0.5f) * length / target - 0.5f).coerceIn(0f, length - 1f)

private fun mix(p: Float, q: Float, share: Float) = p + (q - p) * share

/** Mirrors an index at the edge pixels (the edge occurs once). */
private fun mirror(i: Int, length: Int): Int {
    val j = i.mod(max(1, 2 * (length - 1)))
    return if (j < length) j else 2 * (length - 1) - j
}

/** Mirrors an index at the border (the edge occurs twice). */
private fun reflect(i: Int, length: Int): Int {
    val j = i.mod(2 * length)
    return if (j < length) j else 2 * length - 1 - j
}

private val LINEAR = FloatArray(256) {
    val v = it / 255f
    if (v > 0.04045f) ((v + 0.055f) / 1.055f).pow(2.4f) else v / 12.92f
}

/** L* (0..100) of the sRGB pixel at an offset. */
private fun lightnessOf(rgb: FloatArray, at: Int): Float {
    fun linear(c: Int) = LINEAR[rgb[at + c].roundToInt()]
    val y = 0.212671f * linear(0) + 0.715160f * linear(1) + 0.072169f * linear(2)
    return 116 * (if (y > 0.008856f) cbrt(y) else 7.787f * y + 16 / 116f) - 16
}

/** Converts CIE Lab to packed RGB; lowers the chroma by bisection where it is out of gamut. */
private fun toSrgb(l: Float, a: Float, b: Float): Int {
    val linear = FloatArray(3)
    toLinear(l, a, b, linear)
    if (!inGamut(linear)) {
        var factor = 0f
        for (n in 1..10) {
            val tried = factor + 0.5f.pow(n)
            toLinear(l, tried * a, tried * b, linear)
            if (inGamut(linear)) factor = tried
        }
        toLinear(l, factor * a, factor * b, linear)
    }
    return (level(linear[0]) shl 16) or (level(linear[1]) shl 8) or level(linear[2])
}

private fun toLinear(l: Float, a: Float, b: Float, linear: FloatArray) {
    val f = (l + 16) / 116
    val x = fromF(f + a / 500)
    val y = fromF(f)
    val z = fromF(f - b / 200)
    linear[0] = 3.07998f * x - 1.53715f * y - 0.54282f * z
    linear[1] = -0.92125f * x + 1.87599f * y + 0.04525f * z
    linear[2] = 0.05289f * x - 0.20404f * y + 1.15123f * z
}

private fun fromF(t: Float) = if (t > 0.2068966f) t * t * t else (t - 16 / 116f) / 7.787f

private fun inGamut(linear: FloatArray) = linear.all { it > -TOLERANCE && it < 1 + TOLERANCE }

private fun level(linear: Float): Int {
    val v = linear.coerceIn(0f, 1f)
    return (255 * if (v > 0.0031308f) 1.055f * v.pow(1 / 2.4f) - 0.055f else 12.92f * v).roundToInt()
}
