using System.Text.Json.Serialization;

namespace Hospes.Cli.Images.Cache;

/// <summary>One file of an image.</summary>
/// <param name="File">Its name in the image's folder.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Sha256">Its checksum, 64 lower-case hexadecimal digits.</param>
/// <param name="Package">The package it is from.</param>
/// <param name="Version">That package's version.</param>
internal sealed record ImageFile(string File, long Size, string Sha256, string Package, string Version);

/// <summary>A pulled image: a kernel and the user space of a small root, as <c>image.json</c> describes it.</summary>
/// <param name="Name">Such as <c>debian:12</c>.</param>
/// <param name="Kernel">The kernel.</param>
/// <param name="Busybox">The static busybox.</param>
/// <param name="KernelPackage">The checksum under which the kernel's whole package, with its modules, is kept among the downloads.</param>
/// <param name="Archive">The archive it is from.</param>
/// <param name="Release">The archive's own version, such as <c>12.11</c>.</param>
/// <param name="Signature">The key that signed the archive, or why that was not checked.</param>
/// <param name="SignatureChecked">Whether the signature was checked.</param>
/// <param name="Pulled">When.</param>
internal sealed record Image(
    string Name,
    ImageFile Kernel,
    ImageFile Busybox,
    string KernelPackage,
    string Archive,
    string Release,
    string Signature,
    bool SignatureChecked,
    DateTimeOffset Pulled)
{
    /// <summary>The name of the description in an image's folder.</summary>
    public const string Description = "image.json";

    /// <summary>The version of the kernel as it calls itself, from the name of its package.</summary>
    [JsonIgnore]
    public string KernelRelease => Kernel.Package.StartsWith("linux-image-", StringComparison.Ordinal) ? Kernel.Package["linux-image-".Length..] : Kernel.Version;
}

/// <summary>The descriptions' serializer.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Image))]
[JsonSerializable(typeof(ImageListing[]))]
internal sealed partial class ImageJson : JsonSerializerContext;

/// <summary>A line of <c>hospes image list --json</c>.</summary>
/// <param name="Name">The image's name.</param>
/// <param name="Kernel">The kernel's release.</param>
/// <param name="KernelFile">The full path of the kernel.</param>
/// <param name="BusyboxFile">The full path of busybox.</param>
/// <param name="Archive">Where it is from.</param>
/// <param name="SignatureChecked">Whether the archive's signature was checked.</param>
/// <param name="Pulled">When it was pulled.</param>
internal sealed record ImageListing(string Name, string Kernel, string KernelFile, string BusyboxFile, string Archive, bool SignatureChecked, DateTimeOffset Pulled);
