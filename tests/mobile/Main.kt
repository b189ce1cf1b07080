import android.graphics.Bitmap
import java.io.EOFException
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.input
import org.tensorflow.lite.output

/** Colors the pictures that the test sends until its end of file. */
fun main(arguments: Array<String>) {
    val colorizer = LandscapeColorizer(Interpreter(arguments[0].toInt()))
    while (true) {
        val width = try { input.readInt() } catch (_: EOFException) { return }
        val height = input.readInt()
        val colorized = colorizer.colorize(Bitmap(width, height, IntArray(width * height) { input.readInt() }))
        val pixels = IntArray(width * height)
        colorized.getPixels(pixels, 0, width, 0, 0, width, height)
        pixels.forEach(output::writeInt)
        output.flush()
    }
}
