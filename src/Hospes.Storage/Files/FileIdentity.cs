namespace Hospes.Storage.Files;

/// <summary>What makes two paths the same file: the device's numbers and the inode.</summary>
internal readonly record struct FileIdentity(uint DeviceMajor, uint DeviceMinor, ulong Inode);
