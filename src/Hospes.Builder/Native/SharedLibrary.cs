using System.Runtime.InteropServices;
using Hospes.Builder.Compression;

namespace Hospes.Builder.Native;

/// <summary>Looks for the system's libraries before their first call, so that a missing one is an answer and not a crash.</summary>
internal static class SharedLibrary
{
    /// <summary>Ends with an explanation when a library can't be loaded.</summary>
    /// <param name="name">The library's file name, as in the imports.</param>
    /// <param name="package">The Debian package that brings it.</param>
    /// <exception cref="DecompressionException"><see cref="DecompressionError.LibraryMissing"/>.</exception>
    public static void Require(string name, string package)
    {
        // The loader counts references: the library stays loaded, as the imports are about to want it.
        if (!NativeLibrary.TryLoad(name, typeof(SharedLibrary).Assembly, DllImportSearchPath.SafeDirectories, out _))
            throw new DecompressionException(DecompressionError.LibraryMissing, $"{name} is missing: install the Debian package {package}");
    }
}
