namespace Hospes.Storage;

/// <summary>The formats of disk images.</summary>
public enum ImageFormat
{
    /// <summary>The disk's bytes, as they are.</summary>
    Raw,

    /// <summary>QEMU's copy-on-write format, versions 2 and 3.</summary>
    Qcow2,
}

/// <summary>The names of the formats, as QEMU's tools write them.</summary>
public static class ImageFormats
{
    /// <summary>The name of a format.</summary>
    /// <param name="format">The format.</param>
    public static string Name(this ImageFormat format) => format == ImageFormat.Raw ? "raw" : "qcow2";

    /// <summary>Finds a format by its name.</summary>
    /// <param name="name"><c>raw</c> or <c>qcow2</c>, in small letters.</param>
    /// <param name="format">The format.</param>
    /// <returns>False when the name is neither.</returns>
    public static bool TryParse(string name, out ImageFormat format)
    {
        format = name == "qcow2" ? ImageFormat.Qcow2 : ImageFormat.Raw;
        return name is "raw" or "qcow2";
    }
}
