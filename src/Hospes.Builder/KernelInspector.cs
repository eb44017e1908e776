using Hospes.Builder.Images;

namespace Hospes.Builder;

/// <summary>Says how a kernel would boot here or, in one sentence, why it would not. Stateless.</summary>
public static class KernelInspector
{
    /// <summary>Reads a kernel's headers and unpacks its payload; loads nothing.</summary>
    /// <param name="kernel">The kernel file.</param>
    public static KernelReport Inspect(ReadOnlyMemory<byte> kernel) => KernelReader.Read(kernel, null).Report;

    /// <summary>Reads a kernel file whole, if it is no larger than <see cref="Limits.MaxFileSize"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kernel">Its bytes.</param>
    /// <param name="failure">Why not, or null.</param>
    public static bool TryReadFile(string path, out byte[] kernel, out BuildFailure? failure)
    {
        kernel = [];
        return BootPayload.TryOpenKernel(path, out BootPayload? payload, out failure) && payload!.TryRead(out kernel, out failure);
    }
}
